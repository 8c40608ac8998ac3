//! The suites that define the ports.
