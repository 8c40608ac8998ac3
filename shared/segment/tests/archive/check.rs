//! Fsck over the small archive; the tests of `evidence` use it too.

use segment::fsck::{Fsck, Listed, Report, Request};

use crate::common::{World, policy};

impl World {
    pub(crate) fn fsck(&self) -> Report {
        let mut fsck = Fsck::new(policy());
        loop {
            match fsck.poll() {
                Request::List(directory) => {
                    let prefix = format!("{directory}/");
                    let below = self.objects.iter().filter(|(path, _)| path.starts_with(&prefix));
                    let listed = below.map(|(path, bytes)| Listed {
                        path: path.clone(),
                        size_bytes: bytes.len() as u64,
                    });
                    fsck.handle_listing(listed.collect());
                }
                Request::Read(path) => fsck.handle_object(self.objects.get(&path).cloned()),
                Request::Check(task) => {
                    let parquet = self.objects.get(task.parquet_path());
                    let census = self.objects.get(task.census_path());
                    fsck.handle_outcome(task.check(parquet, census));
                }
                Request::Done => return fsck.finish(),
            }
        }
    }
}
