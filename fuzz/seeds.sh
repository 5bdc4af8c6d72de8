#!/bin/sh
# Seeds for the fuzz targets, from the project's own files, into fuzz/corpus. `TRM_ARC` names a built program; else cargo builds one.
set -eu
cd "$(dirname "$0")/.."
trm_arc=${TRM_ARC:-cargo run --release --quiet --}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
published=tests/published
data=tests/published-data

# put TARGET NAME FILE..: the files as one input
put() {
    target=fuzz/corpus/$1
    name=$2
    shift 2
    mkdir -p "$target"
    cat "$1" > "$target/$name"
    shift
    for file in "$@"; do
        printf '\n=====\n' >> "$target/$name"
        cat "$file" >> "$target/$name"
    done
}

for set in first second; do
    put task "$set" "$data/tiny_${set}_challenges.json" "$data/tiny_${set}_solutions.json"
done
put task hidden "$data/tiny_hidden_challenges.json"
printf '{"train":[{"input":[[1]],"output":[[2]]}],"test":[{"input":[[3]]}]}' > "$work/task"
put task alone "$work/task"

$trm_arc solve "$data/tiny_first_challenges.json" --solver random --submission "$work/submission.json" --predictions "$work/predictions.jsonl" > "$work/said"
put submission random "$work/submission.json"
put predictions random "$work/predictions.jsonl"
put record tasks "$work/run.json"

for plan in augmentations/*.toml; do put plan "$(basename "$plan")" "$plan"; done
for recipe in recipes/*.toml; do put recipe "$(basename "$recipe")" "$recipe"; done
for config in "$published"/attention "$published"/token-mlp "$published"/broken/no-l-cycles; do
    put config "$(basename "$config")" "$config/all_config.yaml"
done

for broken in "$published"/broken/*; do put archive "$(basename "$broken")" "$broken/step_1"; done
unzip -p "$published/broken/good/step_1" '*/data.pkl' > "$work/pickle"
put pickle good "$work/pickle"
unzip -p "$published/broken/foreign-global/step_1" '*/data.pkl' > "$work/pickle"
put pickle foreign "$work/pickle"

# a checkpoint whose digests the target fills in
$trm_arc import "$published/broken/good/step_1" --config "$published/broken/good/all_config.yaml" \
    --tasks "$published/tiny/arc-agi_alpha_challenges.json" --tasks "$published/tiny/arc-agi_beta_challenges.json" \
    --variants 8 --output "$work/checkpoint" > "$work/said"
model=$(ls "$work/checkpoint" | grep '^model')
sed -e "s/$(sha256sum "$work/checkpoint/$model" | cut -c 1-64)/SHA-MODEL/" -e "s/\"$model\"/\"model\"/" \
    -e "s/$(sha256sum "$work/checkpoint/identifiers.txt" | cut -c 1-64)/SHA-IDENTIFIERS/" \
    "$work/checkpoint/manifest.json" > "$work/manifest"
put checkpoint imported "$work/manifest" "$work/checkpoint/identifiers.txt" "$work/checkpoint/$model"
put checkpoint trained checkpoints/default/manifest.json

header='{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}      '
{ printf '\100\0\0\0\0\0\0\0%s' "$header"; printf '0123456789abcdef'; } > "$work/safetensors"
put safetensors small "$work/safetensors"

$trm_arc dataset export --tasks "$data/tiny_first_challenges.json" --test-set "$data/tiny_first_challenges.json" \
    --variants 1 --output "$work/published" > "$work/said"
place=0
for file in identifiers.json test_puzzles.json train/dataset.json train/all__inputs.npy train/all__puzzle_indices.npy \
    test/all__labels.npy test/all__group_indices.npy; do
    { printf "\\$(printf %03o $place)"; cat "$work/published/$file"; } > "$work/array"
    put published "$place" "$work/array"
    place=$((place + 1))
done

$trm_arc puzzles generate sudoku --side 4 --count 3 --output "$work/sudoku.csv" > "$work/said"
$trm_arc puzzles generate maze --side 5 --count 2 --output "$work/maze.csv" > "$work/said"
put puzzles sudoku "$work/sudoku.csv"
put puzzles maze "$work/maze.csv"
printf '%s\n%s\n' source,question,answer,rating,prediction,exact,cells_right,halt,earlier \
    a,1.3434122.434321,1234341221434321,3,1234341221434321,true,16,0.9,1111341221434321\|1234341221434321 > "$work/predictions.csv"
put puzzle_predictions sudoku "$work/predictions.csv"
head -n 20 checkpoints/default/log.csv > "$work/log.csv"
put log trained "$work/log.csv"

group='{"puzzles":2,"exact":1,"exact_share":0.5,"interval_95_percent":[0.1,0.9],"accuracy":0.75}'
cat > "$work/puzzles.json" <<END
{"name":"trm a","puzzles":{"name":"a.csv","digest":"00","kind":"sudoku","side":4,"count":2},
"checkpoint":{"path":"b","digest":"01","step":3,"parameters":5,"puzzle_rows":8,"recipe":"a"},
"device":"cpu","precision":"f32","steps":4,"tokens_per_batch":100,"started_unix":0,"seconds":1.5,"solving_seconds":1.0,
"version":"0.1.0","commit":null,"finished":true,"status":"complete","answered":2,"unanswered":0,
"score":{"all":$group,"learned":{"learned":$group,"unlearned":$group},
"by_rating":[{"least":0,"most":0,"group":$group},{"least":1,"most":null,"group":$group}],"by_step":[$group,$group,$group]}}
END
put record puzzles "$work/puzzles.json"
