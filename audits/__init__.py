"""The audits, one file each; sertools discovers every file in this folder."""
