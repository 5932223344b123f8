//! What must not compile, and what the compiler then says: each file in `tests/compile_fail` is a
//! program, and the sentences it quotes in its first lines must be in the compiler's answer. Only the
//! sentences: the rest of an answer differs from one compiler to the next.
#![cfg(not(any(loom, shuttle)))]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A package of its own, so that a mistake is an error there and not here.
fn package() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile_fail");
    let programs = package.join("src/bin");
    if programs.exists() {
        fs::remove_dir_all(&programs).unwrap();
    }
    fs::create_dir_all(&programs).unwrap();
    let manifest = format!(
        "[package]\nname = \"compile_fail\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nanabranch-select.path = {here:?}\n\n[workspace]\n"
    );
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    // The versions that are here already: nothing is fetched.
    fs::copy(here.join("../../Cargo.lock"), package.join("Cargo.lock")).unwrap();
    for (name, text) in sources() {
        fs::write(programs.join(name).with_extension("rs"), text).unwrap();
    }
    package
}

/// The programs by name.
fn sources() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compile_fail");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    files.map(read).collect()
}

/// Whether the program compiles, and what the compiler says.
fn build(package: &Path, name: &str) -> (bool, String) {
    let cargo = env::var("CARGO").unwrap_or_else(|_| env!("CARGO").into());
    let output = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--offline",
            "--color",
            "never",
            "--bin",
            name,
        ])
        .current_dir(package)
        .env("CARGO_TARGET_DIR", package.join("target"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.success(), said)
}

#[test]
fn mistakes_do_not_compile_and_the_compiler_says_what_is_wrong() {
    let package = package();
    let (compiles, said) = build(&package, "correct");
    assert!(
        compiles,
        "the correct program must compile, or nothing is proved: {said}"
    );
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        if name == "correct" {
            continue;
        }
        let says: Vec<_> = text
            .lines()
            .map_while(|line| line.strip_prefix("// says: "))
            .collect();
        assert!(!says.is_empty(), "{name} quotes nothing");
        let (compiles, said) = build(&package, &name);
        let missing = says.iter().filter(|sentence| !said.contains(**sentence));
        for sentence in missing {
            wrong.push(format!("{name}: not said: {sentence}\n{said}"));
        }
        if compiles {
            wrong.push(format!("{name} compiles"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
