# shellcheck shell=bash disable=SC2154
packages=official-node-$OFFICIAL_NODE-$TYPESCRIPT
once "$packages" npm_into "@alicloud/dingtalk@$OFFICIAL_NODE" "typescript@$TYPESCRIPT"
ln -s "$TOOLS/$packages/node_modules" "$BUILD/node_modules"

cp "$SOURCE/sample.ts" "$BUILD"
echo '{"compilerOptions": {"target": "es2020", "module": "commonjs", "esModuleInterop": true, "skipLibCheck": true, "types": []}, "files": ["sample.ts"]}' >"$BUILD/tsconfig.json"
"$BUILD/node_modules/.bin/tsc" --project "$BUILD/tsconfig.json"
launcher "exec node '$BUILD/sample.js' \"\$@\""
