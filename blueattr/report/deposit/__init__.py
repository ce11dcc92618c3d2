"""A study as a folder for an archive: tables, codebook, metadata, checksums."""
