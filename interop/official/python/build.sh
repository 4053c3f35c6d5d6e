# shellcheck shell=bash disable=SC2154
# Some of the SDK's packages are published as source only, so this one install may run build steps.
packages=official-python-$OFFICIAL_PYTHON
install() {
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    --target "$1" "alibabacloud_dingtalk==$OFFICIAL_PYTHON"
}
once "$packages" install
cp "$SOURCE/sample.py" "$BUILD"
# The page ends with its first path; the other one is called as its second.
launcher "PYTHONPATH='$BUILD:$TOOLS/$packages' exec python3 -c 'import asyncio, sys, sample; asyncio.run(sample.Sample.main_async(sys.argv[1:]))' \"\$@\""
mv "$BUILD/client" "$BUILD/client-async"
launcher "PYTHONPATH='$TOOLS/$packages' exec python3 '$BUILD/sample.py' \"\$@\""
