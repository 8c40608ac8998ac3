//! segment

pub mod sealer;
