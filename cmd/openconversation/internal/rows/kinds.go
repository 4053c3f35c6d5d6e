package rows

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
)

// compressed is the one kind of the table that no program saves as something else.
const compressed lang.Format = "compressed"

// unsupported lists kinds of files with rows that are not read, by extension and by their first bytes.
var unsupported = []struct {
	what       lang.Format
	extensions string
	magics     []string
}{
	{"an old Excel workbook", ".xls .xlt", nil},
	{"an Excel template", ".xltx .xltm", nil},
	{"a binary Excel workbook", ".xlsb", nil},
	{"a WPS workbook", ".et .ett", nil},
	{"an OpenDocument sheet", ".ods .fods .ots", nil},
	{"a Numbers document", ".numbers", nil},
	{"a database", ".dbf .mdb .accdb .sqlite .db", []string{"SQLite format 3\x00"}},
	{"a document", ".pdf .doc .docx .rtf .wps .ppt .pptx", []string{"%PDF", "{\\rtf"}},
	{"a web page", ".html .htm .mht", nil},
	{"XML", ".xml", nil},
	{compressed, ".gz .zip .bz2 .xz .zst .7z .rar", []string{"\x1f\x8b", "BZh", "\xfd7zXZ", "\x28\xb5\x2f\xfd", "7z\xbc\xaf", "Rar!"}},
}

func unsupportedName(name string) error {
	end := strings.ToLower(filepath.Ext(name))
	for _, kind := range unsupported {
		if end != "" && slices.Contains(strings.Fields(kind.extensions), end) {
			return notRead(lang.T("%s is %s", name, lang.T(kind.what)), kind.what)
		}
	}
	return nil
}

func notRead(sentence lang.Text, what lang.Format) error {
	if what == compressed {
		return settled(PartFormat, 0, "%s, which is not read; unpack it", sentence)
	}
	return settled(PartFormat, 0, "%s, which is not read; save it as .xlsx, or as CSV", sentence)
}

func isZip(start []byte) bool { return bytes.HasPrefix(start, []byte("PK\x03\x04")) }

// unsupportedContent returns an *Error if a file begins like an unsupported kind, whatever its name.
func unsupportedContent(start []byte) error {
	begins := func(with string) bool { return bytes.HasPrefix(start, []byte(with)) }
	holds := func(text string, within int) bool {
		return isZip(start) && bytes.Contains(start[:min(len(start), within)], []byte(text))
	}
	text := strings.ToLower(strings.TrimSpace(decodedStart(start[:min(len(start), 512)])))
	page := func(begin string) bool { return strings.HasPrefix(text, begin) }
	switch {
	case begins("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") && bytes.Contains(start, []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")):
		return settled(PartFormat, 0, "it is a workbook with a password; take the password off, and save it as .xlsx")
	case begins("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
		return notRead(lang.T("it is an old Excel workbook (.xls), a WPS one (.et), or one with a password"), "")
	case begins("\xff\xfe\x00\x00"), begins("\x00\x00\xfe\xff"), len(start) >= 8 && (bytes.Count(start[:8], []byte{0}) == 6 && start[0]|start[3] != 0):
		return settled(PartNone, 0, "it is UTF-32, which is not read; save it as UTF-8")
	case holds("mimetypeapplication/vnd.oasis.opendocument", 100):
		return notRead(lang.T("it is an OpenDocument sheet"), "")
	case holds("Index/", 200):
		return notRead(lang.T("it is a Numbers document"), "")
	case slices.ContainsFunc([]string{"<html", "<!doctype", "<table", "<meta", "<head"}, page):
		return notRead(lang.T("it is a web page, as some programs export instead of a table"), "")
	case page("<?xml"):
		return notRead(lang.T("it is XML"), "")
	}
	for _, kind := range unsupported {
		if slices.ContainsFunc(kind.magics, begins) {
			return notRead(lang.T("it is %s", lang.T(kind.what)), kind.what)
		}
	}
	return nil
}
