"""Tests against the real servers: Jetstream, its network simulator, a PDS and a PLC directory."""
