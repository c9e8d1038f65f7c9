"""Live jobs: finding a manifest's job, comparing it and following its attempts."""
