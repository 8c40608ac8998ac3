//! Creating an object when answers are lost, and stores that do not create conditionally.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use archive::faulty::{Fault, Faulty};
use archive::{Archive, ArchiveError, Creation};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::runtime;

const PATH: &str = "log/commit/1";

/// Creates until it is known whose the object is; returns that and the attempts it took.
fn create(archive: &Archive, bytes: &Bytes) -> (Creation, usize) {
    for attempt in 1..10 {
        match archive.create_object(PATH, bytes) {
            Ok(creation) => return (creation, attempt),
            Err(ArchiveError::Unavailable { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("not known after ten attempts")
}

#[test]
fn whatever_answer_is_lost_the_creator_learns_whose_the_object_is() {
    use Fault::{Applied, NotApplied};
    let runtime = runtime();
    // Faults of the calls: create, read, create, read.
    let plans: [(&[(usize, Fault)], usize); 6] = [
        (&[], 1),
        (&[(0, Applied)], 1),
        (&[(0, NotApplied)], 2),
        (&[(0, Applied), (1, NotApplied)], 2),
        (&[(0, NotApplied), (1, NotApplied)], 2),
        (&[(0, NotApplied), (2, Applied), (3, NotApplied)], 3),
    ];
    let [ours, theirs] = [&b"ours"[..], b"theirs"].map(Bytes::from_static);
    for (plan, attempts) in plans {
        let faulty = Faulty::new(Arc::new(InMemory::new()));
        let archive = Archive::over(Arc::new(faulty.clone()), runtime.handle().clone());
        faulty.plan(plan.iter().copied());
        assert_eq!(create(&archive, &ours), (Creation::Ours, attempts), "{plan:?}");
        assert_eq!(archive.get(PATH).unwrap(), ours);

        // The same for one who comes second: it always learns that it lost.
        faulty.plan(plan.iter().copied());
        assert_eq!(create(&archive, &theirs).0, Creation::Theirs(ours.clone()), "{plan:?}");
        faulty.plan([]);
        assert_eq!(archive.get(PATH).unwrap(), ours);
    }
}

#[test]
fn a_store_that_overwrites_is_found_out_at_every_check() {
    let runtime = runtime();
    let archive = Archive::over(Arc::new(Overwriting(InMemory::new())), runtime.handle().clone());
    for _ in 0..3 {
        let error = archive.check_create_if_absent().unwrap_err();
        assert!(matches!(error, ArchiveError::Unconditional { .. }), "{error}");
        assert!(error.to_string().contains("If-None-Match"), "{error}");
    }
}

/// A store that takes a conditional creation for an unconditional one.
#[derive(Debug)]
struct Overwriting(InMemory);

impl fmt::Display for Overwriting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Overwriting")
    }
}

#[async_trait]
impl ObjectStore for Overwriting {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let options = PutOptions { mode: PutMode::Overwrite, ..options };
        self.0.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.0.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}
