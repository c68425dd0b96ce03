"""Programs that print figures: how fast, how much, how many. `make help` names most of them."""
