"""The commands, in groups: `text` for program texts, `machine` for runs, `models` for what is compiled."""
