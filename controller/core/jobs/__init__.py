"""Live jobs: find a manifest's job, compare it with the manifest, and follow its attempts."""
