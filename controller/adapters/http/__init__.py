"""HTTP endpoints of the daemon: probes, metrics and webhooks."""
