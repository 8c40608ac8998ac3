# The verbs of this repository; `make` alone prints them. CI calls the same ones.
# One target directory and the dev profile for everything but the demo, which has a profile of its
# own and is built without what it does not need.

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-emitters check fmt clippy doc bench bench-drift bench-ingest growth fuzz fuzz-keep deny advisories kafka-up kafka-down bless setup

CARGO ?= cargo
DEMO_DIR ?= driftseal-demo
DRIFTSEAL := $(or $(CARGO_TARGET_DIR),target)/demo/driftseal

help: ## print the verbs
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## /{ printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## build, then the whole path in one process: traffic, drift, alert, seal, pack, verify
	@tests/setup.sh demo
	@$(CARGO) build --locked --profile demo --package driftseal --no-default-features
	@$(DRIFTSEAL) demo --dir $(DEMO_DIR)

test: ## everything CI runs: check, units, oracles, three logs, Apache Kafka with kills (installs what is missing)
	@tests/setup.sh all
	@tests/run.sh

# Tests that change every byte or fail every call: minutes, so `make test` runs them, `make test-fast`
# does not. Each is a part of the name of a test.
EXHAUSTIVE := every_changed_byte every_changed_character no_forger no_fault_of_the_archive \
	no_two_faults whichever_publication_fails damaged_files_are_refused no_mutation_of_an_input \
	both_readers_agree heads_lead_to_the_same_pack wrong_heads_tiles_and_bundles \
	no_entry_can_be_left_out an_entry_of_another_kind_stays only_the_newest_head a_lie_of_the_sealer

test-fast: ## what needs neither a broker nor Java, without exhaustive tests: 90 s once it is built
	@tests/setup.sh build
	@$(CARGO) test --locked --workspace --exclude tests --lib --bins --tests -- $(EXHAUSTIVE:%=--skip %)
	@$(CARGO) test --locked --package tests --test tidy --test suites

test-emitters: ## agents' libraries and clients of Kafka that others wrote, unmodified and offline (installs them)
	@tests/setup.sh emitters
	@$(CARGO) build --locked --package driftseal
	@DRIFTSEAL_TEST_ALL=1 DRIFTSEAL_TEST_EMITTERS=1 $(CARGO) test --locked --package tests --test emitters

check: fmt clippy doc ## formatting, lints, documents; all of it without warnings

fmt:
	@$(CARGO) fmt --all --check

clippy:
	@$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	@$(CARGO) clippy --locked --package driftseal --no-default-features -- -D warnings

doc:
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps

bench: ## decoding, processor, collector, sealing in memory (with its roofline) and from Apache Kafka; release profile
	@tests/setup.sh all
	@$(CARGO) bench --locked --workspace --bench decode --bench processor --bench ingest --bench seal --bench kafka_seal

bench-ingest: ## what one core of the collector does, beside a server that reads and drops, and decoding alone
	@tests/setup.sh build
	@$(CARGO) bench --locked --package collector --bench ingest

growth: ## what start and proofs cost as the log grows to a million segments
	@tests/setup.sh build
	@$(CARGO) bench --locked --package tests --bench growth

bench-drift: ## false alarms, delays and speed of every drift detector, and river and Evidently on the same data
	@tests/setup.sh bench
	@$(CARGO) bench --locked -p drift --bench delay --bench esr --bench distance
	@$(CARGO) bench --locked -p drift --bench peers -- --ask

fuzz: ## coverage-guided fuzzing of every decoder and parser, a minute each (FUZZ="census config" for some)
	@tests/setup.sh fuzz
	@tests/fuzz/run.sh $(FUZZ)

fuzz-keep: ## add to the corpus, minimised, what `make fuzz` found
	@tests/setup.sh fuzz
	@tests/fuzz/run.sh keep $(FUZZ)

deny: ## licences, duplicates and sources of all dependencies
	@tests/setup.sh deny
	@tests/deny/run.sh

advisories: ## known vulnerabilities of all dependencies; needs the internet for their database
	@tests/setup.sh deny
	@tests/deny/run.sh advisories

kafka-up: ## Apache Kafka of one node in the background; prints its bootstrap address
	@deploy/kafka/kafka.sh up

kafka-down: ## stop it
	@deploy/kafka/kafka.sh down

bless: ## rewrite golden files from the code; look at the diff
	@DRIFTSEAL_BLESS=1 $(CARGO) test --locked --workspace golden
	@git --no-pager diff --stat
