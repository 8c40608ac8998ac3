//! Limits shared by all requests: reserved before memory is allocated, released on drop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A shared limit.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    used: Arc<AtomicUsize>,
    max: usize,
    gauge: &'static str,
}

impl Budget {
    /// A limit; the gauge shows what is reserved.
    pub(crate) fn new(max: usize, gauge: &'static str) -> Self {
        Self { used: Arc::default(), max, gauge }
    }

    /// An empty share; [`Share::grow`] reserves.
    pub(crate) fn share(&self) -> Share {
        Share { budget: self.clone(), taken: 0 }
    }
}

/// A reserved part of a budget; released on drop.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Budget,
    taken: usize,
}

impl Share {
    /// What is reserved.
    pub(crate) const fn taken(&self) -> usize {
        self.taken
    }

    /// Reserves more. Returns `false`, and reserves nothing, if that would exceed the budget.
    pub(crate) fn grow(&mut self, by: usize) -> bool {
        let Budget { used, max, gauge } = &self.budget;
        let taken = used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(by).filter(|used| used <= max)
        });
        if taken.is_err() {
            return false;
        }
        self.taken += by;
        show(gauge, by, |gauge, by| gauge.increment(by));
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.taken, Ordering::Relaxed);
        show(self.budget.gauge, self.taken, |gauge, by| gauge.decrement(by));
    }
}

fn show(gauge: &'static str, by: usize, change: impl FnOnce(&metrics::Gauge, f64)) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge")]
    change(&metrics::gauge!(gauge), by as f64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_never_exceeded_and_comes_back() {
        let budget = Budget::new(10, "g");
        let mut first = budget.share();
        assert!(first.grow(4) && first.grow(4));
        let mut second = budget.share();
        assert!(!second.grow(3));
        assert!(second.grow(2));
        assert!(!second.grow(usize::MAX));
        drop(first);
        assert!(second.grow(8));
    }
}
