package rows

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// saveAs is the hint for files of unsupported kinds.
const saveAs lang.Format = "save it as .xlsx, or as CSV"

// unsupported lists kinds of files with rows that are not read, by extension.
var unsupported = []struct {
	what       lang.Format
	extensions []string
}{
	{"an old Excel workbook", []string{".xls", ".xlt"}},
	{"an Excel template", []string{".xltx", ".xltm"}},
	{"a binary Excel workbook", []string{".xlsb"}},
	{"a WPS workbook", []string{".et", ".ett"}},
	{"an OpenDocument sheet", []string{".ods", ".fods", ".ots"}},
	{"a Numbers document", []string{".numbers"}},
	{"a database table", []string{".dbf", ".mdb", ".accdb", ".sqlite", ".db"}},
	{"a document", []string{".pdf", ".doc", ".docx", ".rtf", ".wps", ".ppt", ".pptx"}},
	{"a web page", []string{".html", ".htm", ".mht"}},
	{"XML", []string{".xml"}},
	{"compressed", []string{".gz", ".zip", ".bz2", ".xz", ".zst", ".7z", ".rar"}},
}

func unsupportedName(name string) error {
	end := strings.ToLower(filepath.Ext(name))
	for _, kind := range unsupported {
		if end != "" && slices.Contains(kind.extensions, end) {
			return unsupportedAs(lang.T("%s is %s", name, lang.T(kind.what)), kind.what == "compressed")
		}
	}
	return nil
}

func unsupportedAs(what lang.Text, compressed bool) error {
	if compressed {
		return settled(PartFormat, 0, "%s, which is not read; unpack it", what)
	}
	return settled(PartFormat, 0, "%s, which is not read; %s", what, lang.T(saveAs))
}

// contents lists the first bytes of files that are not read.
var contents = []struct {
	magic      string
	what       lang.Format
	compressed bool
}{
	{"\x1f\x8b", "it is compressed", true},
	{"BZh", "it is compressed", true},
	{"\xfd7zXZ", "it is compressed", true},
	{"\x28\xb5\x2f\xfd", "it is compressed", true},
	{"7z\xbc\xaf", "it is compressed", true},
	{"Rar!", "it is compressed", true},
	{"%PDF", "it is a PDF document", false},
	{"{\\rtf", "it is a document", false},
	{"SQLite format 3\x00", "it is a database", false},
}

func isZip(start []byte) bool { return bytes.HasPrefix(start, []byte("PK\x03\x04")) }

// unsupportedContent returns an *Error if a file begins like an unsupported kind, whatever its name.
func unsupportedContent(start []byte) error {
	switch {
	case bytes.HasPrefix(start, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		var name []byte
		for _, b := range []byte("EncryptedPackage") {
			name = append(name, b, 0)
		}
		if bytes.Contains(start, name) {
			return settled(PartFormat, 0, "it is a workbook with a password; take the password off, and save it as .xlsx")
		}
		return unsupportedAs(lang.T("it is an old Excel workbook (.xls), a WPS one (.et), or one with a password"), false)
	case bytes.HasPrefix(start, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(start, []byte("\x00\x00\xfe\xff")),
		len(start) >= 8 && (bytes.Count(start[:8], []byte{0}) == 6 && start[0]|start[3] != 0):
		return settled(PartNone, 0, "it is UTF-32, which is not read; save it as UTF-8")
	case isZip(start) && bytes.Contains(start[:min(len(start), 100)], []byte("mimetypeapplication/vnd.oasis.opendocument")):
		return unsupportedAs(lang.T("it is an OpenDocument sheet"), false)
	case isZip(start) && bytes.Contains(start[:min(len(start), 200)], []byte("Index/")):
		return unsupportedAs(lang.T("it is a Numbers document"), false)
	}
	for _, c := range contents {
		if bytes.HasPrefix(start, []byte(c.magic)) {
			return unsupportedAs(lang.T(c.what), c.compressed)
		}
	}
	text := strings.ToLower(strings.TrimSpace(decodedStart(start[:min(len(start), 512)])))
	for _, begin := range []string{"<html", "<!doctype", "<table", "<meta", "<head"} {
		if strings.HasPrefix(text, begin) {
			return unsupportedAs(lang.T("it is a web page, as some programs export instead of a table"), false)
		}
	}
	if strings.HasPrefix(text, "<?xml") {
		return unsupportedAs(lang.T("it is XML"), false)
	}
	return nil
}
