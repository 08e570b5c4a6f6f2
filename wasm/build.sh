#!/bin/sh
# Builds src/protocol/crypto/secp256k1.wasm. README.md says what it needs.
set -eu

VERSION=0.14.1
# SHA-256 of the package, as cargo has checked it.
CHECKSUM=f6b2992d4a3cd244539a7d5d0966aadbe5ca7fb868a5d7e38c29499b9e709bbd

here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../src/protocol/crypto/secp256k1.wasm}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$work"
cargo init --quiet --name fetch
cargo add --quiet "secp256k1-sys@=$VERSION"
cargo vendor --quiet >/dev/null
grep -q "^checksum = \"$CHECKSUM\"" Cargo.lock || { echo "secp256k1-sys $VERSION is not the package expected" >&2; exit 1; }
package=$work/vendor/secp256k1-sys

settings="-DUSE_FORCE_WIDEMUL_INT64 -DUSE_EXTERNAL_DEFAULT_CALLBACKS -DECMULT_WINDOW_SIZE=9 -DCOMB_BLOCKS=2 -DCOMB_TEETH=5"
library=$package/depend/secp256k1

# The same code natively first, with the library's own checks of every invariant, and the sanitizers.
cc -g -O2 -DVERIFY -fsanitize=address,undefined -fno-sanitize-recover=all -fno-sanitize=alignment -w $settings \
  -I "$library" -I "$library/src" -o check "$here/check.c"
./check

# No native 64x64 multiplication to 128 bits in WebAssembly: limbs of 26 bits are twice as fast as emulating it.
"${CLANG:-clang-14}" --target=wasm32 -O3 -msimd128 -mbulk-memory -ffreestanding -nostdlib -fno-builtin-memset \
  -fvisibility=hidden -Wall -Wextra -Wno-unused-function -Wno-unused-parameter \
  $settings -I "$package/wasm/wasm-sysroot" -I "$library" -I "$library/src" \
  -Wl,--no-entry -Wl,--strip-all -Wl,--stack-first -Wl,-z,stack-size=65536 \
  -o "$out" "$here/nexus.c"
sha256sum "$out"
