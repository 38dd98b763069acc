"""The ports in memory: for tests, trials and replays. Nothing outlives the process."""
