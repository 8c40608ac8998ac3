# A repository with an agent, and an installation. `production` is what runs.
driftseal log init --origin log.example.com/agents
mkdir -p agents/refund-desk/prompts agents/refund-desk/tools agents/refund-desk/corpus
cd agents/refund-desk
echo 'Be kind.' > prompts/system.md
echo '{"name":"lookup_order"}' > tools/lookup_order.json
echo 'Refunds take three days.' > corpus/faq.txt
cat > suite.yaml <<'END'
suite: refund-quality
checks: [{type: latency_max, duration_ms: 2000}]
gate: {pass_rate_min: 0.5, trials_min: 5}
END
cat > evaluate <<'END'
#!/bin/sh
for run in $(seq 40); do
  echo "{\"kind\":\"run.completed\",\"agent_id\":\"$AGENT\",\"agent_version\":\"$VERSION\",\"run_id\":\"t-$run\",\"run\":{\"status\":\"ok\",\"duration_ms\":812}}"
done
END
cat > current <<'END'
#!/bin/sh
cat production
END
cat > deploy <<'END'
#!/bin/sh
echo "$1" > production
test ! -e broken
END
cat > rollback <<'END'
#!/bin/sh
echo "$1" > production
END
cd ../..
echo r0 > production
git init -q .
git -c user.name=t -c user.email=t@example.com add agents
git -c user.name=t -c user.email=t@example.com commit -qm 'an agent'
