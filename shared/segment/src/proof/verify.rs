//! Verification of a proof document.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use merkle::checkpoint::Checkpoint;
use merkle::tlog_proof::TlogProof;
use merkle::{Hash, hash, proof};
use serde::Serialize;

use super::document::{EventProof, PROOF_FORMAT};
use super::preimage::{digest, number, preimage};
use super::value::{ERASED, shown};
use crate::belief::Believed;
use crate::fault::{Distrust, Fault, Judgement, expect_equal};
use crate::manifest::SignerUse;
use crate::plain::Plain;
use crate::policy::Policy;

/// A step that held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProofStep {
    /// Which step.
    pub name: &'static str,
    /// What it showed.
    pub detail: String,
}

/// What verifying a proof came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProofReport {
    /// What it came to.
    pub verdict: Judgement,
    /// What does not hold, if [`Judgement::Failed`].
    pub fault: Option<Fault>,
    /// Why it cannot be said, if [`Judgement::Unverifiable`].
    pub unverifiable: Option<String>,
    /// The steps that held, in order.
    pub steps: Vec<ProofStep>,
}

/// Reads and verifies a proof document; without a policy nobody can say who signed it. Pure; any bytes
/// give a report.
#[must_use]
pub fn verify_document(bytes: &[u8], policy: Option<&Policy>) -> (Option<EventProof>, ProofReport) {
    let read =
        std::str::from_utf8(bytes).map_err(|error| error.to_string()).and_then(EventProof::parse);
    match (read, policy) {
        (Ok(proof), Some(policy)) => {
            let report = proof.verify(policy);
            (Some(proof), report)
        }
        (Ok(proof), None) => {
            let why = "there is no policy: without the public keys, obtained from somewhere else than \
                       the proof or its sender, nobody can say who signed it";
            (Some(proof), ProofReport::new(Err(Distrust::Unverifiable(why.to_owned())), Vec::new()))
        }
        (Err(error), _) => {
            let fault = Fault::new("form", "proof document", "a proof", error);
            (None, ProofReport::new(Err(fault.into()), Vec::new()))
        }
    }
}

impl ProofReport {
    /// What an outcome came to, with the steps that held.
    #[must_use]
    pub fn new(outcome: Result<(), Distrust>, steps: Vec<ProofStep>) -> Self {
        let (verdict, fault, unverifiable) = match outcome {
            Ok(()) => (Judgement::Verified, None, None),
            Err(Distrust::Failed(fault)) => (Judgement::Failed, Some(fault), None),
            Err(Distrust::Unverifiable(why)) => (Judgement::Unverifiable, None, Some(why)),
        };
        Self { verdict, fault, unverifiable, steps }
    }

    /// The report for people, with what the proof says; the last line is the verdict.
    #[must_use]
    pub fn to_text(&self, proof: Option<&EventProof>) -> String {
        let mut text = String::new();
        let written = proof
            .map_or(Ok(()), |proof| proof.write_values(&mut text))
            .and_then(|()| self.write(&mut text));
        match written {
            Ok(()) => text,
            Err(std::fmt::Error) => unreachable!("writing to a text does not fail"),
        }
    }

    fn write(&self, to: &mut String) -> std::fmt::Result {
        for step in &self.steps {
            writeln!(to, "  ok    {}: {}", step.name, Plain(&step.detail))?;
        }
        if let Some(fault) = &self.fault {
            writeln!(to, "FAIL    {}: {}", fault.step, Plain(&fault.place))?;
            writeln!(to, "        expected {}", Plain(&fault.expected))?;
            writeln!(to, "        found    {}", Plain(&fault.found))?;
        }
        if let Some(why) = &self.unverifiable {
            writeln!(to, "        {}", Plain(why))?;
        }
        writeln!(to, "{}", self.verdict.name())
    }
}

/// An envelope is an entry of the log that a checkpoint vouches for.
fn in_tree(
    place: &str,
    envelope: &[u8],
    index: u64,
    path: &[Hash],
    checkpoint: &Checkpoint,
) -> Result<(), Fault> {
    let Checkpoint { size, root, .. } = checkpoint;
    proof::verify_inclusion(&hash::leaf(envelope), index, *size, path, root)
        .map_err(|error| Fault::new("log path", place, "the root", error.to_string()))
}

impl EventProof {
    /// Verifies the proof by a policy. Pure; any document gives a report.
    #[must_use]
    pub fn verify(&self, policy: &Policy) -> ProofReport {
        let mut steps = Vec::new();
        let outcome = self.check(policy, &mut steps);
        ProofReport::new(outcome, steps)
    }

    fn check(&self, policy: &Policy, steps: &mut Vec<ProofStep>) -> Result<(), Distrust> {
        let mut done = |name, detail: String| steps.push(ProofStep { name, detail });
        if self.format != PROOF_FORMAT {
            return Err(Distrust::Unverifiable(format!(
                "the proof is of format `{}`; this version knows `{PROOF_FORMAT}`",
                self.format
            )));
        }
        let malformed =
            |step, detail: String| Fault::new(step, "proof document", "its exact form", detail);
        self.check_shown()?;
        let preimage = preimage(self).map_err(|detail| malformed("preimage", detail))?;
        let leaf = hash::leaf(&preimage);
        expect_equal("leaf", "proof document", &self.leaf, &hash::to_hex(&leaf))?;
        done("leaf", format!("SHA-256 of 00 and {} bytes is {}", preimage.len(), self.leaf));

        // What is in the log is found first: of all else nobody's signature matters.
        let in_log = TlogProof::parse(&self.tlog_proof)
            .map_err(|error| malformed("log proof", error.to_string()))?;
        let checkpoint = policy.open_checkpoint("checkpoint", &in_log.checkpoint)?;
        done(
            "checkpoint signature",
            format!("log `{}` vouches for {} entries", checkpoint.origin, checkpoint.size),
        );
        let TlogProof { index: entry, path, .. } = &in_log;
        in_tree("proof document", self.manifest.as_bytes(), *entry, path, &checkpoint)?;
        done(
            "log path",
            format!(
                "the manifest is entry {entry} of {}, root {}",
                checkpoint.size,
                hash::to_hex(&checkpoint.root)
            ),
        );
        let believed = self.open_keys(policy, *entry, &checkpoint)?;
        for key in believed.accepted() {
            done("believed key", key.to_string());
        }
        let opened = believed.open_manifest("manifest", *entry, self.manifest.as_bytes())?;
        let Some(manifest) = opened.manifest.segment() else {
            let found = opened.manifest.kind();
            return Err(Fault::new("manifest kind", "manifest", "segment", found).into());
        };
        let facts = &manifest.facts;
        done("manifest signature", format!("signed by {}", opened.key_id));
        expect_equal("manifest log", "manifest", &checkpoint.origin, &manifest.log)?;
        expect_equal("topic", "manifest", &facts.partition.topic.as_ref(), &self.topic.as_str())?;
        expect_equal("partition", "manifest", &facts.partition.partition, &self.partition)?;
        let path: Result<Vec<Hash>, String> =
            self.segment_path.iter().map(|text| digest("segment_path", text)).collect();
        let path = path.map_err(|detail| malformed("segment path", detail))?;
        let index: u64 = number(&self.index).map_err(|detail| malformed("segment path", detail))?;
        if index >= facts.count {
            let found = index.to_string();
            let expected = format!("one of {} events", facts.count);
            return Err(
                Fault::new("index in the segment", "proof document", expected, found).into()
            );
        }
        proof::verify_inclusion(&leaf, index, facts.tree_size, &path, &facts.root).map_err(
            |error| Fault::new("segment path", "proof document", "the root", error.to_string()),
        )?;
        done(
            "segment path",
            format!("leaf {index} of {} leads to root {}", facts.count, hash::to_hex(&facts.root)),
        );
        Ok(())
    }

    /// The keys that are believed at the manifest. All entries that accept them are in the log, then each is
    /// signed by whom those before it believe.
    fn open_keys(
        &self,
        policy: &Policy,
        manifest: u64,
        checkpoint: &Checkpoint,
    ) -> Result<Believed, Distrust> {
        const STEP: &str = "entries that accept keys";
        let mut entries = Vec::with_capacity(self.keys.len());
        let mut from = 0;
        for key in &self.keys {
            let malformed = |detail: String| Fault::new(STEP, "`keys`", "their exact form", detail);
            let index: u64 = number(&key.index).map_err(malformed)?;
            if !(from..manifest).contains(&index) {
                let expected = format!("entries from {from} on, before the manifest, {manifest}");
                return Err(Fault::new(STEP, "`keys`", expected, key.index.as_str()).into());
            }
            from = index.saturating_add(1);
            let path: Result<Vec<Hash>, String> =
                key.path.iter().map(|text| digest("path", text)).collect();
            let place = format!("log entry {index} in `keys`");
            let (path, envelope) = (path.map_err(malformed)?, key.envelope.as_bytes());
            in_tree(&place, envelope, index, &path, checkpoint)?;
            entries.push((place, index, envelope));
        }
        let mut believed = Believed::new(policy.clone());
        for (place, index, envelope) in entries {
            let opened = believed.open_manifest(&place, index, envelope)?;
            expect_equal(
                "manifest log",
                &place,
                &checkpoint.origin.as_str(),
                &opened.manifest.log(),
            )?;
            let used_for = opened.manifest.key().map(|key| key.used_for);
            if used_for != Some(SignerUse::Sealer) {
                let found = opened.manifest.kind();
                let expected = "one that accepts the key of a sealer";
                return Err(Fault::new(STEP, place, expected, found).into());
            }
            believed.accept(&place, index, &opened)?;
        }
        Ok(believed)
    }

    /// What people read is what is proven.
    fn check_shown(&self) -> Result<(), Fault> {
        for field in &self.fields {
            let place = format!("field `{}`", field.path);
            let expected = if field.commitment.is_some() {
                // Nothing proves a value beside a commitment.
                expect_equal("erased values", &place, &0, &field.cell_type)?;
                expect_equal("erased values", &place, &"", &field.value.as_str())?;
                ERASED.to_owned()
            } else {
                let value = BASE64.decode(&field.value).map_err(|_| {
                    Fault::new("shown values", place.as_str(), "base64", "something else")
                })?;
                shown(field.cell_type, &value)
            };
            expect_equal("shown values", &place, &expected, &field.shown)?;
            if field.path == "event_id" {
                expect_equal("event id", &place, &self.event_id, &field.shown)?;
            }
        }
        if self.fields.iter().any(|field| field.path == "event_id") {
            Ok(())
        } else {
            Err(Fault::new("event id", "fields", "a field `event_id`", "none"))
        }
    }

    /// The proof for people: what is proven, every step with its values, and the verdict last.
    #[must_use]
    pub fn to_text(&self, policy: &Policy) -> String {
        self.verify(policy).to_text(Some(self))
    }

    fn write_values(&self, to: &mut String) -> std::fmt::Result {
        writeln!(to, "event   {}", Plain(&self.event_id))?;
        let (topic, offset) = (Plain(&self.topic), Plain(&self.offset));
        writeln!(to, "record  {topic}/{} offset {offset}", self.partition)?;
        writeln!(to, "digest  {}", Plain(&self.record_digest))?;
        for field in &self.fields {
            let kind = match (&field.salt, &field.commitment) {
                (None, None) => "plain   ",
                (Some(_), _) => "erasable",
                (None, Some(_)) => "erased  ",
            };
            writeln!(to, "  {kind}  {} = {}", Plain(&field.path), Plain(&field.shown))?;
        }
        Ok(())
    }
}
