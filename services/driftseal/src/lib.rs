//! driftseal
