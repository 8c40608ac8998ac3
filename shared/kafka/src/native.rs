//! The only unsafe code of the project: what librdkafka can do and rdkafka does not wrap.
//!
//! # Invariants
//!
//! - A client's pointer is valid as long as the client is borrowed, and librdkafka's functions on it
//!   may be called from any thread.
//! - Each object that librdkafka hands over has one owner here, which destroys it once; what is read
//!   from an event is copied before the event is destroyed.
//! - Destroying a queue discards an answer that comes too late.
#![expect(unsafe_code, reason = "calls of librdkafka; the invariants are in the module's head")]

use std::ffi::{CStr, CString};
use std::ptr::NonNull;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::bindings as sys;
use rdkafka::client::Client;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::BorrowedMessage;
use rdkafka::types::RDKafkaRespErr;

/// Time beyond the request's own timeout that its answer is waited for.
const SLACK_MS: i32 = 1_000;

/// An object of librdkafka that is destroyed with its owner.
struct Owned<T> {
    object: NonNull<T>,
    destroy: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// `None` for a null pointer.
    ///
    /// # Safety
    ///
    /// `object` is null, or an object that `destroy` is for, of which nobody else is the owner.
    unsafe fn new(object: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        Some(Self { object: NonNull::new(object)?, destroy })
    }

    const fn as_ptr(&self) -> *mut T {
        self.object.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: the owner has promised that the object is its own, and this is its end.
        unsafe { (self.destroy)(self.object.as_ptr()) }
    }
}

/// Identity of a topic, 16 bytes; zero where the brokers are too old to have one.
///
/// # Errors
///
/// What librdkafka or the broker says.
pub(crate) fn topic_id<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    wait: Duration,
) -> Result<u128, RDKafkaErrorCode> {
    let failed = || RDKafkaErrorCode::Fail;
    let name = CString::new(topic).map_err(|_| RDKafkaErrorCode::InvalidTopic)?;
    let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX - SLACK_MS);
    let rk = client.native_ptr();
    let mut names = [name.as_ptr()];
    // SAFETY: the name outlives the call, which copies it.
    let topics = unsafe {
        let topics = sys::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len());
        Owned::new(topics, sys::rd_kafka_TopicCollection_destroy)
    };
    let topics = topics.ok_or_else(failed)?;
    // SAFETY: `rk` is valid while `client` is borrowed.
    let options = unsafe {
        let api = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        Owned::new(sys::rd_kafka_AdminOptions_new(rk, api), sys::rd_kafka_AdminOptions_destroy)
    };
    let options = options.ok_or_else(failed)?;
    // SAFETY: no text of an error is asked for.
    let set = unsafe {
        let none = std::ptr::null_mut();
        sys::rd_kafka_AdminOptions_set_request_timeout(options.as_ptr(), wait_ms, none, 0)
    };
    check(set)?;
    // SAFETY: `rk` is valid while `client` is borrowed.
    let queue = unsafe { Owned::new(sys::rd_kafka_queue_new(rk), sys::rd_kafka_queue_destroy) };
    let queue = queue.ok_or_else(failed)?;
    // SAFETY: all four are valid; librdkafka copies topics and options.
    let event = unsafe {
        sys::rd_kafka_DescribeTopics(rk, topics.as_ptr(), options.as_ptr(), queue.as_ptr());
        let event = sys::rd_kafka_queue_poll(queue.as_ptr(), wait_ms.saturating_add(SLACK_MS));
        Owned::new(event, sys::rd_kafka_event_destroy)
    };
    let event = event.ok_or(RDKafkaErrorCode::OperationTimedOut)?;
    // SAFETY: the event is valid until it is dropped, and so is everything read from it; a result
    // that is none of this request is null.
    unsafe {
        check(sys::rd_kafka_event_error(event.as_ptr()))?;
        let result = sys::rd_kafka_event_DescribeTopics_result(event.as_ptr());
        if result.is_null() {
            return Err(failed());
        }
        let mut count = 0;
        let described = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if count == 0 || described.is_null() {
            return Err(failed());
        }
        let described = *described;
        let error = sys::rd_kafka_TopicDescription_error(described);
        if !error.is_null() {
            check(sys::rd_kafka_error_code(error))?;
        }
        let id = sys::rd_kafka_TopicDescription_topic_id(described);
        if id.is_null() {
            return Ok(0);
        }
        let high = sys::rd_kafka_Uuid_most_significant_bits(id).cast_unsigned();
        let low = sys::rd_kafka_Uuid_least_significant_bits(id).cast_unsigned();
        Ok(u128::from(high) << 64 | u128::from(low))
    }
}

/// Name and value of each header of a message. rdkafka takes names for UTF-8, and panics at others.
pub(crate) fn headers<'m>(
    message: &'m BorrowedMessage<'_>,
) -> impl Iterator<Item = (&'m [u8], Option<&'m [u8]>)> {
    let mut list = std::ptr::null_mut();
    // SAFETY: the message is valid while it is borrowed. Its headers belong to it; a message without
    // any gives an error.
    let found = unsafe { sys::rd_kafka_message_headers(message.ptr(), &raw mut list) };
    let list = check(found).ok().and_then(|()| NonNull::new(list));
    (0..).map_while(move |index| {
        let (mut name, mut value, mut len) = (std::ptr::null(), std::ptr::null(), 0);
        // SAFETY: the list lives as long as the message, and so do the name, which ends with a zero
        // byte, and the value of `len` bytes, which is null for none; an index behind the last one
        // gives an error.
        unsafe {
            let got = sys::rd_kafka_header_get_all(
                list?.as_ptr(),
                index,
                &raw mut name,
                &raw mut value,
                &raw mut len,
            );
            check(got).ok()?;
            let value: *const u8 = value.cast();
            let value = (!value.is_null()).then(|| std::slice::from_raw_parts(value, len));
            Some((CStr::from_ptr(name).to_bytes(), value))
        }
    })
}

/// Publishes a record with a header of any name, which rdkafka would want to be UTF-8.
#[cfg(feature = "operate")]
pub(crate) fn publish_with_header<C: ClientContext>(
    client: &Client<C>,
    (topic, partition): (&CStr, i32),
    value: &[u8],
    header: &CStr,
) -> Result<(), RDKafkaErrorCode> {
    use sys::rd_kafka_vtype_t as vtype;
    let part = |vtype, set: &dyn Fn(&mut sys::rd_kafka_vu_s__bindgen_ty_1)| {
        let mut u = sys::rd_kafka_vu_s__bindgen_ty_1 { _pad: [0; 64] };
        set(&mut u);
        sys::rd_kafka_vu_t { vtype, u }
    };
    let none = std::ptr::null();
    let bytes = sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 {
        ptr: value.as_ptr().cast_mut().cast(),
        size: value.len(),
    };
    let named = sys::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_2 {
        name: header.as_ptr(),
        val: none,
        size: 0,
    };
    let parts = [
        part(vtype::RD_KAFKA_VTYPE_TOPIC, &|u| u.cstr = topic.as_ptr()),
        part(vtype::RD_KAFKA_VTYPE_PARTITION, &|u| u.i32_ = partition),
        part(vtype::RD_KAFKA_VTYPE_VALUE, &|u| u.mem = bytes),
        part(vtype::RD_KAFKA_VTYPE_MSGFLAGS, &|u| u.i = sys::RD_KAFKA_MSG_F_COPY),
        part(vtype::RD_KAFKA_VTYPE_HEADER, &|u| u.header = named),
    ];
    // SAFETY: the parts outlive the call, each has the field of its type, and the value is copied.
    unsafe {
        let error = sys::rd_kafka_produceva(client.native_ptr(), parts.as_ptr(), parts.len());
        let Some(error) = Owned::new(error, sys::rd_kafka_error_destroy) else { return Ok(()) };
        check(sys::rd_kafka_error_code(error.as_ptr()))
    }
}

fn check(code: RDKafkaRespErr) -> Result<(), RDKafkaErrorCode> {
    if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    Err(code.into())
}
