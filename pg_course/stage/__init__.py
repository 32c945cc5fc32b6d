"""What a page shows: demos, dashboards, animations, plots and pictures."""
