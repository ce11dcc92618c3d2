"""Binary formats, a relay's frames and an archive's segments, made into Jetstream v1 lines."""
