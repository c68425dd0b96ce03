"""What outlives the process: sessions, rooms and sums, in SQLite or PostgreSQL. Nothing below this floor knows SQL."""
