//! A store that fails where a test says so.
//!
//! Every call of a store has a number, counted from 0. A plan names calls and what goes wrong with
//! them; [`Faulty::calls`] tells afterwards which calls there were, so that a test first runs
//! without faults and then once for each call, or each pair of calls.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, RenameOptions, Result,
};

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails and nothing has happened.
    NotApplied,
    /// It has happened, and the answer is lost.
    Applied,
    /// It has happened, the answer is lost, and every later call fails: the process is as good as
    /// dead.
    Last,
    /// A read returns, or a write stores, bytes of which one bit is wrong. Other calls are not
    /// affected.
    Corrupted,
}

/// Why no write succeeds, as a directory's own errors say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The file system is full.
    Full,
    /// It is read-only.
    ReadOnly,
}

/// The kind of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Creating an object.
    Create,
    /// Creating or replacing an object.
    Replace,
    /// Reading an object or its description.
    Get,
    /// Listing objects.
    List,
    /// Anything else.
    Other,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its kind.
    pub operation: Operation,
    /// The object or prefix.
    pub path: String,
}

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    plan: BTreeMap<usize, Fault>,
    dead: bool,
    denied: Option<Denied>,
}

/// A store with faults around a store without. Clones share calls and plan.
#[derive(Debug, Clone)]
pub struct Faulty {
    inner: Arc<dyn ObjectStore>,
    state: Arc<Mutex<State>>,
}

impl Faulty {
    /// A wrapper without faults yet.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, state: Arc::default() }
    }

    /// The next calls are numbered from 0 again and meet these faults. The dead live again.
    pub fn plan(&self, faults: impl IntoIterator<Item = (usize, Fault)>) {
        let plan = faults.into_iter().collect();
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) =
            State { plan, ..State::default() };
    }

    /// Every write fails from now on and changes nothing, or none does, until the next plan.
    pub fn deny_writes(&self, denied: Option<Denied>) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).denied = denied;
    }

    fn denied(&self, path: &Path) -> Result<()> {
        let path = path.to_string();
        let denied = self.state.lock().unwrap_or_else(PoisonError::into_inner).denied;
        match denied {
            None => Ok(()),
            Some(Denied::Full) => {
                let source = io::Error::from(io::ErrorKind::StorageFull).into();
                Err(Error::Generic { store: "Faulty", source })
            }
            Some(Denied::ReadOnly) => {
                let source = io::Error::from(io::ErrorKind::ReadOnlyFilesystem).into();
                Err(Error::PermissionDenied { path, source })
            }
        }
    }

    /// The calls since the last plan.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).calls.clone()
    }

    /// Whether [`Fault::Last`] has happened since the last plan.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).dead
    }

    fn enter(&self, operation: Operation, path: impl fmt::Display) -> Option<Fault> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let number = state.calls.len();
        state.calls.push(Call { operation, path: path.to_string() });
        if state.dead {
            return Some(Fault::NotApplied);
        }
        let fault = state.plan.get(&number).copied();
        state.dead = fault == Some(Fault::Last);
        fault
    }

    /// Runs a call with its fault.
    async fn call<T>(
        &self,
        operation: Operation,
        path: &Path,
        call: impl Future<Output = Result<T>> + Send,
    ) -> (Option<Fault>, Result<T>) {
        Self::finish(self.enter(operation, path), call).await
    }

    /// Runs a call that was entered.
    async fn finish<T>(
        fault: Option<Fault>,
        call: impl Future<Output = Result<T>> + Send,
    ) -> (Option<Fault>, Result<T>) {
        if fault == Some(Fault::NotApplied) {
            return (fault, Err(injected()));
        }
        let outcome = call.await;
        if matches!(fault, Some(Fault::Applied | Fault::Last)) {
            drop(outcome);
            return (fault, Err(injected()));
        }
        (fault, outcome)
    }
}

fn injected() -> Error {
    Error::Generic { store: "Faulty", source: "injected fault".into() }
}

impl fmt::Display for Faulty {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Faulty({})", self.inner)
    }
}

#[deny(clippy::missing_trait_methods, reason = "a method that is forgotten has no faults")]
#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let operation = match options.mode {
            PutMode::Create => Operation::Create,
            PutMode::Overwrite => Operation::Replace,
            PutMode::Update(_) => Operation::Other,
        };
        let fault = self.enter(operation, location);
        self.denied(location)?;
        let corrupted = fault == Some(Fault::Corrupted);
        let payload = if corrupted { flip(&payload.into()).into() } else { payload };
        Self::finish(fault, self.inner.put_opts(location, payload, options)).await.1
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.denied(location)?;
        let call = self.inner.put_multipart_opts(location, options);
        self.call(Operation::Other, location, call).await.1
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let call = self.inner.get_opts(location, options);
        let (fault, outcome) = self.call(Operation::Get, location, call).await;
        let found = outcome?;
        if fault != Some(Fault::Corrupted) {
            return Ok(found);
        }
        let (meta, range) = (found.meta.clone(), found.range.clone());
        let bytes = flip(&found.bytes().await?);
        Ok(GetResult {
            payload: GetResultPayload::Stream(futures::stream::iter([Ok(bytes)]).boxed()),
            meta,
            range,
            attributes: Attributes::new(),
            extensions: object_store::Extensions::new(),
        })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let call = self.inner.get_ranges(location, ranges);
        let (fault, outcome) = self.call(Operation::Get, location, call).await;
        let found = outcome?;
        let corrupted = fault == Some(Fault::Corrupted);
        Ok(if corrupted { found.iter().map(flip).collect() } else { found })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let fault = self.enter(Operation::Other, "");
        if let Err(denied) = self.denied(&Path::default()) {
            return futures::stream::iter([Err(denied)]).boxed();
        }
        match fault {
            Some(Fault::NotApplied) => futures::stream::iter([Err(injected())]).boxed(),
            Some(Fault::Applied | Fault::Last) => {
                self.inner.delete_stream(locations).map(|_| Err(injected())).boxed()
            }
            Some(Fault::Corrupted) | None => self.inner.delete_stream(locations),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.enter(Operation::List, prefix.map(Path::as_ref).unwrap_or_default()) {
            Some(Fault::Corrupted) | None => self.inner.list(prefix),
            Some(_) => futures::stream::iter([Err(injected())]).boxed(),
        }
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.enter(Operation::List, prefix.map(Path::as_ref).unwrap_or_default()) {
            Some(Fault::Corrupted) | None => self.inner.list_with_offset(prefix, offset),
            Some(_) => futures::stream::iter([Err(injected())]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let call = self.inner.list_with_delimiter(prefix);
        self.call(Operation::List, &prefix.cloned().unwrap_or_default(), call).await.1
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.call(Operation::Other, to, self.inner.copy_opts(from, to, options)).await.1
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.call(Operation::Other, to, self.inner.rename_opts(from, to, options)).await.1
    }
}

/// The bytes with one bit in the middle turned.
fn flip(bytes: &Bytes) -> Bytes {
    let middle = bytes.len() / 2;
    bytes
        .iter()
        .enumerate()
        .map(|(at, byte)| if at == middle { byte ^ 0x10 } else { *byte })
        .collect()
}
