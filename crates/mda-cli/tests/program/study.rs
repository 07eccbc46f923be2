//! Studies as users run them, on the embedded networks and images.

use super::{Bench, asset};

fn recipe(extra: &str) -> String {
    format!(
        "name = 'small'\nseeds = [0, 1]\n[images]\ncalibration = 20\n\
         [source.mnist]\nmodel = '{}'\ndata = '{}'\n\
         [source.fashion]\nmodel = '{}'\ndata = '{}'\n\
         [[disassemble]]\nsource = 'mnist'\ntasks = ['0-2', '7']\nformulations = ['obs']\nrepairs = ['none', 'ridge']\n\
         budgets = ['20%']\ncounts = 'uniform'\nsame-size = ['random']\n{extra}",
        asset("lenet5-mnist.safetensors"),
        asset("mnist"),
        asset("lenet5-fashion-mnist.safetensors"),
        asset("fashion-mnist"),
    )
}

const ASSEMBLY: &str = "[[assemble]]\ncomponents = [{ source = 'mnist', task = '0-2' }, { source = 'fashion', task = '3-9' }]\n\
                        rescalings = ['none', 'scale-shift-category']\nuncut = true\n";

#[test]
fn a_study_is_resumed_and_extended() {
    let bench = Bench::new();
    bench.write("recipe.toml", &recipe(""));
    let study = |bench: &Bench| bench.succeeds(&["study", "recipe.toml", "--output=out", "--quiet"]);
    let first = study(&bench);
    assert!(first.contains("source restricted") && first.contains("| random | "), "{first}");
    let lines = |bench: &Bench| bench.read("out/runs.jsonl").lines().count();
    // Two tasks, two repairs, two seeds, and the random control beside each.
    assert_eq!(lines(&bench), 16);
    assert_eq!(study(&bench), first, "nothing is run twice");
    assert_eq!(lines(&bench), 16);
    bench.write("recipe.toml", &recipe(ASSEMBLY));
    let extended = study(&bench);
    assert!(extended.contains("## Assembling") && extended.contains("| uncut | "), "{extended}");
    assert_eq!(lines(&bench), 16 + 8);
    assert_eq!(bench.read("out/components.csv").lines().count(), 17);
    assert_eq!(bench.read("out/assemblies.csv").lines().count(), 9);
    assert!(bench.read("out/study.json").contains("\"auroc\""));
}

#[test]
fn a_bad_recipe_fails_before_anything_runs() {
    let bench = Bench::new();
    bench.write("recipe.toml", &recipe("").replace("'obs'", "'obsolete'"));
    let message = bench.fails(&["study", "recipe.toml", "--output=out"]);
    assert!(message.contains("obsolete") && message.contains("recipe.toml"), "{message}");
    assert!(!bench.path("out").exists());
}
