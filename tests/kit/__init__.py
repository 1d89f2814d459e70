"""What several tests share: jobs, models, commands and comparisons."""
