#!/bin/sh
# Make sure that the programs which the tests drive are there: Chromium, ffprobe, node, and axe-core from npm.
set -eu
axe=axe-core@4.10.3
missing=""
# Chromium without its window: the same engine at half the processor time. The whole one serves where Debian lacks it.
if ! command -v chromium-headless-shell >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null 2>&1 ||
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null; } ||
        echo "No chromium-headless-shell to install; the tests drive chromium." >&2
fi
command -v chromium-headless-shell >/dev/null 2>&1 || command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v ffprobe >/dev/null 2>&1 || missing="$missing ffmpeg"
command -v node >/dev/null 2>&1 || missing="$missing nodejs"
command -v npm >/dev/null 2>&1 || missing="$missing npm"
if [ -n "$missing" ]; then
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        apt-get update -qq
        # shellcheck disable=SC2086 -- a list of package names
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing fonts-dejavu-core >/dev/null
    else
        echo "The tests need:$missing. Install them, for instance: sudo apt-get install$missing" >&2
        exit 1
    fi
fi
# Under build/, which git ignores: it is a program of the tests and no part of the viewer.
[ -f build/programs/node_modules/axe-core/axe.min.js ] ||
    npm install --prefix build/programs --no-save --ignore-scripts --no-audit --no-fund --silent "$axe"
# The engine of a page without a server, of the version that nonlocal_core/site/runtime.py checks. Without a network, what
# needs it is skipped.
engine=build/programs/onnxruntime-web
if [ ! -f "$engine/ort.webgpu.bundle.min.mjs" ]; then
    mkdir -p "$engine" "$engine.part"
    if npm pack onnxruntime-web@1.30.0 --silent --pack-destination "$engine.part" >/dev/null &&
        tar xzf "$engine.part"/*.tgz -C "$engine.part" --strip-components=2 \
            package/dist/ort.wasm.bundle.min.mjs package/dist/ort-wasm-simd-threaded.wasm \
            package/dist/ort.webgpu.bundle.min.mjs package/dist/ort-wasm-simd-threaded.asyncify.wasm; then
        rm "$engine.part"/*.tgz
        rm -r "$engine"
        mv "$engine.part" "$engine"
    else
        rm -r "$engine.part"
        rmdir "$engine" 2>/dev/null || true
        echo "npm did not fetch onnxruntime-web; the tests of the page without a server are skipped." >&2
    fi
fi
