//! Everything against vectors that an independent program made (`testdata/vectors.py`).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step fails the test")]

use std::collections::BTreeMap;

use merkle::checkpoint::Checkpoint;
use merkle::multiproof::{self, Shape};
use merkle::note::{SigningKey, VerifyingKey};
use merkle::tlog_proof::TlogProof;
use merkle::tree::{self, SegmentTree};
use merkle::{Hash, dsse, hash, proof, rfc6962, tile};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../testdata/vectors.json")).unwrap()
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count as u64).map(|index| hash::leaf(&index.to_be_bytes())).collect()
}

fn hashes(value: &Value) -> Vec<Hash> {
    let texts = value.as_array().unwrap().iter();
    texts.map(|text| hash::from_hex(text.as_str().unwrap()).unwrap()).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn key(vectors: &Value) -> SigningKey {
    let seed = hash::from_hex(text(&vectors["key"]["seed"])).unwrap();
    SigningKey::from_seed(text(&vectors["key"]["name"]), seed).unwrap()
}

#[test]
fn roots_of_growing_and_of_padded_trees() {
    let vectors = vectors();
    assert_eq!(hash::to_hex(&hash::PADDING_LEAF), text(&vectors["padding_leaf"]));
    let mut frontier = rfc6962::Frontier::new();
    for (count, root) in hashes(&vectors["roots"]).iter().enumerate() {
        assert_eq!(frontier.root(), *root, "{count} leaves");
        assert_eq!(rfc6962::root(&leaves(count)), *root);
        frontier.append(hash::leaf(&(count as u64).to_be_bytes()));
    }
    for (count, root) in (1..).zip(hashes(&vectors["padded_roots"])) {
        assert_eq!(tree::root_of(leaves(count)), Ok(root), "{count} leaves");
        assert_eq!(SegmentTree::build(leaves(count)).unwrap().root(), root);
    }
}

#[test]
fn proofs_of_many_leaves() {
    let vectors = vectors();
    for stated in vectors["multiproofs"].as_array().unwrap() {
        let number = |name: &str| stated[name].as_u64().unwrap();
        let shape = Shape::padded(number("size"), number("count")).unwrap();
        let all = leaves(usize::try_from(number("count")).unwrap());
        let indices: Vec<u64> = serde_json::from_value(stated["listed"].clone()).unwrap();
        let nodes = hashes(&stated["nodes"]);
        let root = hash::from_hex(text(&stated["root"])).unwrap();
        let listed: Vec<_> =
            indices.iter().map(|at| (*at, all[usize::try_from(*at).unwrap()])).collect();
        assert_eq!(multiproof::verify(shape, &listed, &nodes, &root), Ok(()));
        let range =
            |from: u64, to: u64| usize::try_from(from).unwrap()..usize::try_from(to).unwrap();
        let mut padded = all.clone();
        padded.resize(usize::try_from(number("size")).unwrap(), hash::PADDING_LEAF);
        let sent = shape.nodes(&indices).unwrap().into_iter();
        let sent: Vec<_> =
            sent.map(|node| rfc6962::root(&padded[range(node.from, node.to)])).collect();
        assert_eq!(sent, nodes, "{stated}");
        if number("count") < number("size") {
            let tree = SegmentTree::build(all).unwrap();
            assert_eq!(tree.prove_many(&indices), Some(nodes));
        }
    }
}

#[test]
fn inclusion_proofs() {
    let vectors = vectors();
    for (size, paths) in vectors["inclusion"].as_object().unwrap() {
        let all = leaves(size.parse().unwrap());
        let root = rfc6962::root(&all);
        for (index, path) in (0_u64..).zip(paths.as_array().unwrap()) {
            let path = hashes(path);
            assert_eq!(rfc6962::prove_inclusion(&all, index).as_ref(), Some(&path));
            let leaf = &all[usize::try_from(index).unwrap()];
            let size = all.len() as u64;
            assert_eq!(proof::verify_inclusion(leaf, index, size, &path, &root), Ok(()));
        }
    }
    for (size, paths) in vectors["padded_inclusion"].as_object().unwrap() {
        let tree = SegmentTree::build(leaves(size.parse().unwrap())).unwrap();
        for (index, path) in (0_u64..).zip(paths.as_array().unwrap()) {
            assert_eq!(tree.prove(index), Some(hashes(path)), "{index} of {size}");
        }
    }
}

#[test]
fn consistency_proofs() {
    let vectors = vectors();
    for (new_size, paths) in vectors["consistency"].as_array().unwrap().iter().enumerate() {
        let all = leaves(new_size);
        for (old_size, path) in paths.as_array().unwrap().iter().enumerate() {
            let path = hashes(path);
            assert_eq!(rfc6962::prove_consistency(&all, old_size as u64).as_ref(), Some(&path));
            let (old_root, new_root) = (rfc6962::root(&all[..old_size]), rfc6962::root(&all));
            let (old_size, new_size) = (old_size as u64, new_size as u64);
            assert_eq!(
                proof::verify_consistency(old_size, &old_root, new_size, &new_root, &path),
                Ok(())
            );
        }
    }
}

#[test]
fn tiles_and_entry_bundles() {
    let vectors = vectors();
    let digests = |objects: Vec<(String, Vec<u8>)>| -> BTreeMap<String, String> {
        let digest = |bytes: &[u8]| hash::to_hex(&hash::sha256(bytes));
        objects.into_iter().map(|(path, bytes)| (path, digest(&bytes))).collect()
    };
    let expected = |name: &str| -> BTreeMap<String, String> {
        serde_json::from_value(vectors[name].clone()).unwrap()
    };
    assert_eq!(digests(tile::tiles_for(0, &leaves(600))), expected("tiles_of_600"));
    let entries: Vec<_> = (0..600).map(|index| format!("entry {index}").into_bytes()).collect();
    assert_eq!(digests(tile::bundles_for(0, &entries)), expected("bundles_of_600"));
    let lines: String = digests(tile::tiles_for(0, &leaves(66_000)))
        .iter()
        .map(|(path, digest)| format!("{path} {digest}\n"))
        .collect();
    let listing = hash::to_hex(&hash::sha256(lines.as_bytes()));
    assert_eq!(listing, text(&vectors["tiles_of_66000"]));
}

#[test]
fn keys_notes_and_proof_files_are_the_same_to_the_byte() {
    let vectors = vectors();
    let key = key(&vectors);
    assert_eq!(key.key_id_hex(), text(&vectors["key"]["id"]));
    assert_eq!(key.to_text(), text(&vectors["key"]["private"]));
    assert_eq!(key.verifier().to_vkey(), text(&vectors["key"]["vkey"]));
    assert_eq!(VerifyingKey::parse(text(&vectors["key"]["vkey"])), Ok(key.verifier()));

    let all = leaves(21);
    let head = Checkpoint { origin: key.name().into(), size: 21, root: rfc6962::root(&all) };
    let note = head.sign(&key);
    assert_eq!(note, text(&vectors["checkpoint_of_21"]));
    assert_eq!(Checkpoint::open(&note, &[key.verifier()]), Ok(head.clone()));

    let path = rfc6962::prove_inclusion(&all, 13).unwrap();
    let proof = TlogProof { index: 13, path, checkpoint: note };
    assert_eq!(proof.to_text(), text(&vectors["tlog_proof_of_13_in_21"]));
    assert_eq!(proof.verify(&13_u64.to_be_bytes(), &[key.verifier()]), Ok(head));
}

#[test]
fn envelopes_are_the_same_to_the_byte() {
    use base64::Engine as _;

    let vectors = vectors();
    let (key, expected) = (key(&vectors), &vectors["envelope"]);
    let payload =
        base64::engine::general_purpose::STANDARD.decode(text(&expected["payload"])).unwrap();
    let envelope = dsse::sign(text(&expected["payload_type"]), &payload, &key);
    assert_eq!(envelope, text(&expected["text"]));
    assert_eq!(dsse::open(envelope.as_bytes(), &[key.verifier()]).unwrap().payload, payload);
}
