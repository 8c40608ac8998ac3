.PHONY: help test check
help: ## prints the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /  /'
test: ## units, properties, conformance and vectors of every crate
	cargo test --workspace --locked --no-fail-fast
check: ## formatting and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
