//! A recipe, and the names and shapes of the model that it asks for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trm_arc::model::specs;
use trm_arc::recipe::Recipe;
use trm_arc_fuzz::with_file;

fuzz_target!(|input: &[u8]| {
    with_file("recipe.toml", input, |path| {
        if let Ok(recipe) = Recipe::load(path.to_str().unwrap()) {
            specs(&recipe.model).iter().for_each(|spec| assert!(spec.len() > 0));
            recipe.cut().unwrap();
        }
    });
});
