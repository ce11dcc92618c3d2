"""Events parted by account, as Parquet files: written, folded bucket by bucket, and counted."""
