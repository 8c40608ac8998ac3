//! Closes consumers without waiting for ever. librdkafka 2.12 may never finish: while a consumer is dropped,
//! `rd_kafka_assign` answers a pending rebalance and waits without a timeout for the group's queue, which
//! nobody serves once the group has terminated.

use std::ops::Deref;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use tracing::warn;

/// Longest wait for a consumer to close; usually it takes less than a second.
const CLOSE_WAIT: Duration = Duration::from_secs(10);

/// A value that is dropped on a thread of its own, which is left alone if that takes too long.
pub(crate) struct Closing<T: Send + 'static>(Option<T>);

impl<T: Send + 'static> Closing<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T: Send + 'static> Deref for Closing<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => unreachable!("the value is taken when it is dropped"),
        }
    }
}

impl<T: Send + 'static> Drop for Closing<T> {
    fn drop(&mut self) {
        if let Some(value) = self.0.take()
            && !drop_within(value, CLOSE_WAIT)
        {
            warn!(
                "a Kafka consumer did not close within {CLOSE_WAIT:?} and was left alone; its group \
                 notices when its session times out"
            );
        }
    }
}

/// Drops a value; whether that was done in time.
fn drop_within<T: Send + 'static>(value: T, wait: Duration) -> bool {
    let (done, is_done) = channel::<()>();
    let close = move || {
        drop(value);
        drop(done);
    };
    // Without a thread the value is dropped here, by its closure.
    let spawned = thread::Builder::new().name("kafka close".to_owned()).spawn(close);
    spawned.is_err() || is_done.recv_timeout(wait) == Err(RecvTimeoutError::Disconnected)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Slow(Duration);

    impl Drop for Slow {
        fn drop(&mut self) {
            thread::sleep(self.0);
        }
    }

    #[test]
    fn nobody_waits_longer_than_is_said() {
        assert!(drop_within(Slow(Duration::ZERO), Duration::from_secs(60)));
        assert!(!drop_within(Slow(Duration::from_secs(3_600)), Duration::from_millis(10)));
        assert_eq!(Closing::new("seven").len(), 5, "it is used like the value");
    }
}
