"""How fast the platform is, and what it costs: `make bench`. See docs/explanation/performance.md."""
