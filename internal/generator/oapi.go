package generator

import (
	"embed"
	"fmt"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
)

// Version is that of oapi-codegen. A test holds it against go.mod.
const Version = "v2.8.2"

// ownPackage is the package that this repository's own contract becomes.
const ownPackage = "generated"

//go:embed templates
var templateFiles embed.FS

// replaced are oapi-codegen's templates in whose place ours go, and why:
//
//   - client.tmpl: its request builders parse the server's URL twice a call and go through reflection, which costs a third
//     of a call's allocations; and what they import would become a dependency of every app.
//   - client-with-responses.tmpl: it loses the status of a body that does not decode, reads without a limit, and calls HTML
//     with status 200 a success.
//   - additional-properties.tmpl: it rounds whole numbers of more than 53 bits in fields that the contract does not name.
//
// A test holds the digest of the text that each of them replaces.
var replaced = []string{"client.tmpl", "client-with-responses.tmpl", "additional-properties.tmpl"}

// words are how fields that the service writes without capitals are spelt in Go.
var words = []string{
	"AccessDeniedDetail", "AgentID", "AppID", "ChatID", "CorpID", "DeptID", "IDs", "MediaID", "OpenID", "OrgID", "RequestID",
	"RobotCode", "TaskID", "UnionID", "UserID",
}

// goTypes are Go's for OpenAPI's. Formats of text stay text: what the service sends in a field of a date is not always one, and
// one field must not cost the answer. Whole numbers have 64 bits everywhere, fractions too.
func goTypes() *codegen.TypeMapping {
	text := codegen.SimpleTypeSpec{Type: "string"}
	return &codegen.TypeMapping{
		Integer: codegen.FormatMapping{Default: codegen.SimpleTypeSpec{Type: "int64"}, Formats: map[string]codegen.SimpleTypeSpec{
			"int": {Type: "int64"}, "int8": {Type: "int64"}, "int16": {Type: "int64"},
			"uint": {Type: "uint64"}, "uint8": {Type: "int64"}, "uint16": {Type: "int64"}, "uint32": {Type: "int64"},
		}},
		Number: codegen.FormatMapping{Default: codegen.SimpleTypeSpec{Type: "float64"}},
		String: codegen.FormatMapping{Default: text, Formats: map[string]codegen.SimpleTypeSpec{
			"email": text, "date": text, "date-time": text, "duration": text, "json": text, "uuid": text, "binary": text,
		}},
	}
}

// configuration is oapi-codegen's for a package.
func configuration(pkg string) (codegen.Configuration, error) {
	templates := map[string]string{}
	for _, name := range replaced {
		text, err := templateFiles.ReadFile("templates/" + name)
		if err != nil {
			return codegen.Configuration{}, err
		}
		templates[name] = string(text)
	}
	return codegen.Configuration{
		PackageName: pkg,
		Generate:    codegen.GenerateOptions{Models: true, Client: true, ServerURLs: pkg == ownPackage},
		Compatibility: codegen.CompatibilityOptions{
			AlwaysPrefixEnumValues: true, DisableRequiredReadOnlyAsPointer: true,
		},
		OutputOptions: codegen.OutputOptions{
			SkipPrune: true, SkipEnumValidate: true,
			NameNormalizer: string(codegen.NameNormalizerFunctionToCamelCaseWithInitialisms), AdditionalInitialisms: words,
			PreferSkipOptionalPointerOnContainerTypes: true,
			UserTemplates: templates, TypeMapping: goTypes(),
		},
		AllowRemoteRefsFrom: []string{},
	}, nil
}

// runOapiCodegen returns the Go of models and requests, and oapi-codegen's view of the operations, whose names are those of
// the models. builders makes the requests: oapi-codegen calls it in place of its client template.
func runOapiCodegen(doc *openapi3.T, cfg codegen.Configuration, builders func([]codegen.OperationDefinition) (string, error)) (src string, err error) {
	defer func() {
		if p := recover(); p != nil {
			src, err = "", fmt.Errorf("oapi-codegen failed: %v", p)
		}
	}()
	codegen.TemplateFunctions["requestBuilders"] = builders
	src, err = codegen.Generate(doc, cfg)
	// The header would name whatever program runs this.
	src = strings.Replace(src, "provides primitives to interact with the openapi HTTP API.", "is the contract as Go: models by oapi-codegen, requests, operations and codes beside them. It decides nothing.", 1)
	return src, err
}
