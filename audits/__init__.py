"""The audits: one file each; the folder is the registry."""
