//! A directory as an archive.

use std::fs;

use archive::{Archive, ArchiveError};

use crate::runtime;

/// Where writers stage objects, below the root.
const STAGING: &str = ".staging";

#[test]
fn an_absent_directory_is_not_created_by_opening() {
    let runtime = runtime();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("an archive");
    let url = format!("file://{}", path.to_str().unwrap().replace(' ', "%20"));
    assert!(Archive::open(&url, runtime.handle().clone()).is_err());
    assert!(!path.exists());
    Archive::create(&url, runtime.handle().clone()).unwrap();
    assert!(path.is_dir());
    Archive::open(path.to_str().unwrap(), runtime.handle().clone()).unwrap();
}

#[test]
fn a_path_that_leaves_the_archive_is_refused() {
    let runtime = runtime();
    let archive = Archive::open("memory:///", runtime.handle().clone()).unwrap();
    for path in ["../x", "a/../x", "a//b", "a/./b"] {
        assert!(matches!(archive.get(path), Err(ArchiveError::Refused { .. })), "{path}");
    }
}

#[test]
fn leftovers_of_dead_writers_are_not_objects_and_are_cleaned_at_opening() {
    let runtime = runtime();
    let directory = tempfile::tempdir().unwrap();
    let location = directory.path().to_str().unwrap();
    let archive = Archive::open(location, runtime.handle().clone()).unwrap();
    archive.put_new("log/commit/1", &b"x"[..]).unwrap();
    let staging = directory.path().join(STAGING);
    fs::write(staging.join("1-7#1"), b"half").unwrap();
    let alive = fs::File::create(staging.join("1-8#1")).unwrap();
    alive.lock().unwrap();
    let listed = archive.list("").unwrap();
    assert_eq!(listed.iter().map(|object| &*object.path).collect::<Vec<_>>(), ["log/commit/1"]);

    Archive::open(location, runtime.handle().clone()).unwrap();
    let left: Vec<_> =
        fs::read_dir(&staging).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["1-8#1"], "the file of the living writer stays");
}

#[test]
fn an_archive_that_was_put_back_from_a_copy_is_written_to_again() {
    let runtime = runtime();
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("archive");
    let archive = Archive::create(root.to_str().unwrap(), runtime.handle().clone()).unwrap();
    archive.put_new("data/v1/one", &b"1"[..]).unwrap();
    fs::rename(&root, directory.path().join("away")).unwrap();
    let error = archive.put_new("data/v1/two", &b"2"[..]).unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert!(!root.exists(), "a root that is gone is not created: it may be a mount point");
    // A copy of the objects, without what staging needs.
    fs::create_dir_all(root.join("data")).unwrap();
    archive.put_new("data/v1/two", &b"2"[..]).unwrap();
    archive.put("data/v1/three", &b"3"[..]).unwrap();
    assert_eq!(&archive.get("data/v1/two").unwrap()[..], b"2");
}
