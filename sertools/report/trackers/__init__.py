"""Sends results to trackers of experiments: each module here is one, with `log(results, folder)`."""
