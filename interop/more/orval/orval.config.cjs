module.exports = {
  dingtalk: {
    input: "openapi.yaml",
    output: {
      target: "generated/dingtalk.ts",
      client: "fetch",
      // Every call goes through it: it knows the address and the token.
      override: { mutator: { path: "service.ts", name: "service" } },
    },
  },
};
