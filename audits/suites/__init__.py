"""Named sets of audits with settings and limits, one TOML file each."""
