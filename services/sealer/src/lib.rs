//! sealer
