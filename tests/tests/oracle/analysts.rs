//! The page for analysts: every block of it is run, and counts what is committed.

use std::path::Path;
use std::process::Command;

use super::Sample;
use tests::workspace;

/// Blocks of a page that begin with that line.
fn blocks(page: &str, fence: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line == fence {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(block.join("\n"));
        }
    }
    blocks
}

/// Runs a program in the sample's directory; what it printed.
fn run(sample: &Sample, program: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(sample.directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {text}{complaint}");
    text
}

/// A file that a sealer left behind when it died between storing and committing.
fn leave_an_orphan(sample: &Sample) {
    let segment = sample.sealed().parquet_files().into_iter().next().unwrap();
    let name = segment.file_name().unwrap().to_str().unwrap();
    let (rest, _) = name.rsplit_once('-').unwrap();
    std::fs::copy(&segment, segment.with_file_name(format!("{rest}-00000000.parquet"))).unwrap();
}

/// What the recipes of Spark and DataFusion do further, in the same process: they count the root of the archive as a
/// table, whose directories hold files and name partitions. Spark, which is slow to start, reads files of two
/// releases, too.
fn and_then(recipe: &str) -> &'static str {
    if recipe.contains("pyspark") {
        return "root = spark.read.option('mergeSchema', True).parquet('archive/data/v1')\n\
                print(root.filter(\"topic = 'agent.events'\").count())\n\
                import os, shutil\n\
                listed, place = open('segments.txt').read(), os.path.dirname(files[0])\n\
                two = [shutil.move(f'{name}.parquet', place) for name in ('new', 'old')]\n\
                open('segments.txt', 'w').write('\\n'.join(two) + '\\n')\n\
                exec(recipe)\n\
                for file in two: os.remove(file)\n\
                open('segments.txt', 'w').write(listed)";
    }
    if recipe.contains("datafusion") {
        return "context.register_parquet('root', 'archive/data/v1/', \
                table_partition_cols=[('topic', pyarrow.string()), ('ingest_date', pyarrow.string())])\n\
                rows = \"SELECT count(*) AS rows FROM root WHERE topic = 'agent.events'\"\n\
                print(context.sql(rows).to_pydict()['rows'][0])";
    }
    ""
}

#[test]
fn every_recipe_of_the_page_counts_what_is_committed() {
    let Some(python) = workspace::python() else {
        workspace::not_run("oracle", "no Python in .venv; `tests/setup.sh all` makes it");
        return;
    };
    let sample = Sample::seal();
    leave_an_orphan(&sample);
    let total: u64 = sample.kinds.values().sum();
    let page = std::fs::read_to_string(workspace::root().join("schemas/sql/README.md")).unwrap();

    let commands = blocks(&page, "```sh test").join("\n");
    let driftseal = workspace::binary("driftseal").display().to_string();
    run(
        &sample,
        "sh".as_ref(),
        &["-ec", &commands.replace("driftseal ", &format!("{driftseal} "))],
    );

    let recipes = blocks(&page, "```python test");
    assert_eq!(recipes.len(), 6, "recipes of the page");
    let rows: u64 = run(&sample, &python, &["-c", TWO_RELEASES]).trim().parse().unwrap();
    for recipe in recipes {
        let script = format!("recipe = {recipe:?}\nexec(recipe)\n{}", and_then(&recipe));
        let said = run(&sample, &python, &["-c", &script]);
        let counted: Vec<u64> = said.lines().filter_map(|line| line.parse().ok()).collect();
        // The root has the rows of the orphan, too, of which it knows nothing.
        let is_right = match counted[..] {
            [all] => all == total && and_then(&recipe).is_empty(),
            [all, root] => all == total && root > total,
            [all, root, two] => all == total && root > total && two == 2 * rows,
            _ => false,
        };
        assert!(is_right, "{total} and {rows}: {counted:?} by {recipe}\n{said}");
    }

    // Every shipped view can be read.
    let views = "runs tool_calls evals metrics alerts alert_times quarantined";
    let query = format!(
        "import duckdb; duckdb.sql(open('views.sql').read())\n\
         for view in '{views}'.split(): print(view, duckdb.sql(f'SELECT * FROM {{view}}').fetchall()[:1] != None)"
    );
    assert_eq!(run(&sample, &python, &["-c", &query]).lines().count(), views.split(' ').count());
}

/// Files of two releases: without the columns that came later, and with one that is still to come.
const TWO_RELEASES: &str = r#"
import pathlib, pyarrow, pyarrow.parquet as parquet
file = sorted(pathlib.Path("archive/data").rglob("*.parquet"))[0]
events = parquet.ParquetFile(file).read()
run = events.column("run").combine_chunks()
fields = [(field, run.field(field.name)) for field in run.type if field.name != "trigger"]
run = pyarrow.StructArray.from_arrays([of for _, of in fields], fields=[field for field, _ in fields], mask=run.is_null())
at = events.schema.get_field_index("run")
old = events.set_column(at, "run", run).drop_columns(["supplier"])
parquet.write_table(old, "old.parquet")
parquet.write_table(events.append_column("later", pyarrow.array([7.5] * len(events))), "new.parquet")
print(len(events))
"#;

#[test]
fn other_recipes_read_files_of_two_releases() {
    let Some(python) = workspace::python() else {
        workspace::not_run("oracle", "no Python in .venv; `tests/setup.sh all` makes it");
        return;
    };
    let sample = Sample::seal();
    let page = std::fs::read_to_string(workspace::root().join("schemas/sql/README.md")).unwrap();
    let rows: u64 = run(&sample, &python, &["-c", TWO_RELEASES]).trim().parse().unwrap();
    // In the archive, where the recipes look.
    let place = sample.sealed().parquet_files().into_iter().next().unwrap();
    let files = ["new", "old"].map(|name| {
        let file = place.with_file_name(format!("{name}.parquet"));
        std::fs::rename(sample.directory.path().join(format!("{name}.parquet")), &file).unwrap();
        file.display().to_string()
    });
    std::fs::write(sample.directory.path().join("segments.txt"), files.join("\n") + "\n").unwrap();
    let driftseal = workspace::binary("driftseal");
    let views =
        run(&sample, &driftseal, &["segments", "archive", "--policy", "policy.txt", "--views"]);
    let (head, rest) = views.split_once("read_parquet([").unwrap();
    let (_, rest) = rest.split_once("],").unwrap();
    let views = format!("{head}read_parquet(['{}'],{rest}", files.join("', '"));
    std::fs::write(sample.directory.path().join("views.sql"), views).unwrap();
    let recipes = blocks(&page, "```python test");
    // Iceberg has a test of its own, and Spark does it where it runs anyway.
    let elsewhere =
        |recipe: &&String| ["pyiceberg", "pyspark"].iter().any(|name| recipe.contains(name));
    for recipe in recipes.iter().filter(|recipe| !elsewhere(recipe)) {
        let said = run(&sample, &python, &["-c", recipe]);
        assert_eq!(said.lines().last(), Some((2 * rows).to_string().as_str()), "{recipe}\n{said}");
    }
}

#[test]
fn an_iceberg_table_reads_files_of_two_releases() {
    let Some(python) = workspace::python() else {
        workspace::not_run("oracle", "no Python in .venv; `tests/setup.sh all` makes it");
        return;
    };
    let sample = Sample::seal();
    let page = std::fs::read_to_string(workspace::root().join("schemas/sql/README.md")).unwrap();
    let mut recipes = blocks(&page, "```python test").into_iter();
    let recipe = recipes.find(|recipe| recipe.contains("pyiceberg")).unwrap();
    let rows: u64 = run(&sample, &python, &["-c", TWO_RELEASES]).trim().parse().unwrap();
    assert!(rows > 0, "the file has rows");
    // The older release alone; then both, whose union the table takes; and nothing new.
    for (files, expected) in [("old", rows), ("new old", 2 * rows), ("new old", 2 * rows)] {
        let directory = sample.directory.path();
        let paths = files.split(' ').map(|name| directory.join(format!("{name}.parquet")));
        let lines: String = paths.map(|path| format!("{}\n", path.display())).collect();
        std::fs::write(directory.join("segments.txt"), lines).unwrap();
        let said = run(&sample, &python, &["-c", &recipe]);
        assert_eq!(said.lines().last(), Some(expected.to_string().as_str()), "{files}: {said}");
    }
    // A column that a file lacks is null in its rows, and filters find what they should.
    let check = format!(
        "{recipe}\n\
         print(events.scan(row_filter='later = 7.5').to_arrow().num_rows, \
         events.scan(row_filter='supplier.id is null').to_arrow().num_rows, \
         events.scan(row_filter=\"kafka_timestamp > '2000-01-01T00:00:00+00:00'\").to_arrow().num_rows)"
    );
    let said = run(&sample, &python, &["-c", &check]);
    let expected = format!("{rows} {} {}", 2 * rows, 2 * rows);
    assert_eq!(said.lines().last(), Some(expected.as_str()), "{said}");
}
