"""DuckDB: started, tried on a file that nothing vouches for, and asked."""
