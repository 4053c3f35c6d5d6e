package xlsx

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// parts make a workbook of one sheet, as small as can be. Synthetic: the shapes that programs write which are not at hand.
func parts(sheet, texts string) map[string]string {
	const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	p := map[string]string{
		"[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>` +
			`<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>`,
		"_rels/.rels":                `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Type="` + office + `/officeDocument" Target="/xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":            `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="` + office + `"><sheets><sheet name="s" sheetId="1" r:id="a"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="a" Type="` + office + `/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="b" Type="` + office + `/sharedStrings" Target="sharedStrings.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">` + sheet + `</worksheet>`,
		"xl/sharedStrings.xml":       `<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">` + texts + `</sst>`,
	}
	return p
}

func zipped(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, text := range parts {
		part, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(part, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// read is the cells of a workbook's first sheet: row, column and text each; one that is pending has a ?.
func read(raw []byte) (cells []string, err error) {
	b, err := Open(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, err
	}
	defer func() { _ = b.Close() }()
	name, _ := b.Sheet("")
	r, err := b.Rows(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return cells, nil
		}
		if err != nil {
			return cells, err
		}
		for _, cell := range row.Cells {
			text, err := r.Text(cell)
			if err != nil {
				return cells, err
			}
			if cell.Pending {
				text = "?"
			}
			cells = append(cells, fmt.Sprintf("%s%d=%s", columnName(cell.Column), row.Number, text))
		}
	}
}

func TestCells(t *testing.T) {
	tests := []struct{ rows, texts, want string }{
		{`<row r="1"><c r="A1" t="s"><v>1</v></c><c r="C1" t="s"><v>0</v></c></row>`, `<si><t>x</t></si><si><t xml:space="preserve"> y </t></si>`, "A1= y , C1=x"},
		{`<row r="1"><c r="A1" t="s"><v>0</v></c></row>`, `<si><r><rPr><b/></rPr><t>a</t></r><r><t>b</t></r><rPh sb="0" eb="1"><t>no</t></rPh></si>`, "A1=ab"},
		{`<row r="1"><c r="A1" t="s"><v>2</v></c></row>`, `<si/><si><t/></si><si><t>x</t></si>`, "A1=x"},
		{`<row r="1"><c r="A1" t="inlineStr"><is><t>a&amp;b &#x7fa4;&#10;</t></is></c></row>`, "", "A1=a&b 群\n"},
		{`<row r="1"><c r="A1" t="inlineStr"><is><t>a</t><rPh sb="0" eb="1"><t>no</t></rPh><r><t>b</t></r></is></c></row>`, "", "A1=ab"},
		{`<!-- <row r="9"> --><row r="1"><c r="A1" t="str"><v><![CDATA[a<b>&amp;]]></v></c></row>`, "", "A1=a<b>&amp;"},
		{`<row r="1"><c r="A1" t="str"><v>a_x000D_b_x005F_x000D_</v></c></row>`, "", "A1=a\rb_x000D_"},
		{`<row r="1"><c r="A1"><v>4555</v></c><c r="B1" t="n"><v>1.2E+15</v></c><c r="C1"><v>0.10000000000000001</v></c><c r="D1"><v>1234567890123456789</v></c><c r="E1"><v>1E-7</v></c></row>`, "", "A1=4555, B1=1200000000000000, C1=0.1, D1=1234567890123456789, E1=0.0000001"},
		{`<row r="1"><c r="A1" t="b"><v>1</v></c><c r="B1" t="e"><v>#N/A</v></c><c r="C1" t="d"><v>2024-03-01</v></c></row>`, "", "A1=TRUE, B1=#N/A, C1=2024-03-01"},
		{`<row r="1"><c r="A1"><f>B1</f><v></v></c><c r="B1" t="str"><f>"x"&amp;"y"</f><v>xy</v></c><c r="C1" t="str"><f>""</f><v></v></c><c r="D1"><f>1&lt;2</f></c></row>`, "", "A1=?, B1=xy, D1=?"},
		{`<row><c><v>1</v></c><c/><c><v>2</v></c></row><row r="5"><c r="AB5"><v>3</v></c><c><v>4</v></c></row><row/>`, "", "A1=1, C1=2, AB5=3, AC5=4"},
		{`<row r='1' x="a>b"><c r = 'B1' cm="/>"><v>1</v></c></row>`, "", "B1=1"},
		{`<row r="1" s="3"><c r="A1" s="1"/><c r="B1" s="1"></c></row>`, "", ""},
		{``, "", ""},
	}
	for _, tt := range tests {
		p := parts("<sheetData>"+tt.rows+"</sheetData>", tt.texts)
		if got, err := read(zipped(t, p)); err != nil || strings.Join(got, ", ") != tt.want {
			t.Errorf("%q %v, want %s", got, err, tt.want)
		}
		for name, text := range p { // as a program writes that names its namespaces
			if strings.Contains(name, "sheet1") || strings.Contains(name, "sharedStrings") {
				p[name] = prefixed(text)
			}
		}
		if got, err := read(zipped(t, p)); err != nil || strings.Join(got, ", ") != tt.want {
			t.Errorf("with prefixes: %q %v, want %s", got, err, tt.want)
		}
	}
}

// prefixed gives tags a prefix.
func prefixed(text string) string {
	tags := regexp.MustCompile(`<(/?)(worksheet|sheetData|row|c|v|is|t|f|sst|si|r|rPh|rPr)\b`)
	return strings.ReplaceAll(tags.ReplaceAllString(text, "<${1}x:$2"), "xmlns=", "xmlns:x=")
}

func TestDamaged(t *testing.T) {
	tests := []struct{ name, sheet, texts string }{
		{"cut in a row", `<sheetData><row r="1"><c r="A1">`, ""},
		{"cut in a tag", `<sheetData><row r="1"`, ""},
		{"no rows", ``, ""},
		{"rows out of order", `<sheetData><row r="2"/><row r="2"/></sheetData>`, ""},
		{"cells out of order", `<sheetData><row r="1"><c r="B1"/><c r="A1"/></row></sheetData>`, ""},
		{"a column too far", `<sheetData><row r="1"><c r="XFE1"><v>1</v></c></row></sheetData>`, ""},
		{"a row too far", `<sheetData><row r="1048577"/></sheetData>`, ""},
		{"a text that is missing", `<sheetData><row r="1"><c r="A1" t="s"><v>1</v></c></row></sheetData>`, "<si/>"},
		{"a text without number", `<sheetData><row r="1"><c r="A1" t="s"><v>x</v></c></row></sheetData>`, "<si/>"},
		{"an endless text", `<sheetData><row r="1"><c r="A1" t="s"><v>0</v></c></row></sheetData>`, "<si><t>" + strings.Repeat("x", 2*maxToken) + "</t></si>"},
		{"an endless cell", `<sheetData><row r="1"><c r="A1" t="str"><v>` + strings.Repeat("x", 2*maxToken), ""},
	}
	for _, tt := range tests {
		if cells, err := read(zipped(t, parts(tt.sheet, tt.texts))); err == nil {
			t.Errorf("%s: it is read as %.100q", tt.name, cells)
		}
	}
	for _, part := range []string{"_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml"} {
		p := parts(`<sheetData/>`, "")
		delete(p, part)
		if _, err := read(zipped(t, p)); !errors.Is(err, ErrNotWorkbook) {
			t.Errorf("without %s: %v", part, err)
		}
	}
}

// A part that says it is small and is not, or says that it is huge, is not read through.
func TestBombs(t *testing.T) {
	var packed bytes.Buffer
	deflate, _ := flate.NewWriter(&packed, flate.BestSpeed)
	_, err := io.WriteString(deflate, `<worksheet><sheetData>`+strings.Repeat(" ", 64<<20))
	if err = errors.Join(err, deflate.Close()); err != nil {
		t.Fatal(err)
	}
	for says, want := range map[uint64]string{1000: "not a valid zip file", 3 << 30: "takes 3072 MiB unzipped"} {
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		for name, text := range parts("", "") {
			if name != "xl/worksheets/sheet1.xml" {
				part, _ := w.Create(name)
				_, _ = io.WriteString(part, text)
				continue
			}
			part, err := w.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Deflate, CompressedSize64: uint64(packed.Len()), UncompressedSize64: says})
			if err == nil {
				_, err = part.Write(packed.Bytes())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := read(out.Bytes()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v", says, err)
		}
	}
}

func TestAppend(t *testing.T) {
	tests := []struct{ name, sheet, want string }{
		{"plain", `<dimension ref="A1:B2"/><sheetData><row r="1" spans="1:2" ht="20"><c r="A1" s="4" t="str"><v>h</v></c></row><row r="2"><c r="A2"><f>1+1</f><v>2</v></c></row></sheetData><x/>`,
			`<dimension ref="A1:D2"/><sheetData><row r="1" ht="20"><c r="A1" s="4" t="str"><v>h</v></c><c r="B1" s="4" t="inlineStr"><is><t xml:space="preserve">one&lt;&amp;</t></is></c></row><row r="2"><c r="A2"><f>1+1</f><v>2</v></c><c r="B2" t="inlineStr"><is><t xml:space="preserve">a_x005F_x000D__x0007_</t></is></c><c r="D2" t="inlineStr"><is><t xml:space="preserve"> c</t></is></c></row></sheetData><x/>`},
		{"formats in the way and beyond", `<dimension ref="A1:H9"/><sheetData><row r="1"><c r="B1" s="1"/><c r="C1" s="1"></c><c r="H1" s="2"/></row></sheetData>`,
			`<dimension ref="A1:H9"/><sheetData><row r="1"><c r="B1" t="inlineStr"><is><t xml:space="preserve">one&lt;&amp;</t></is></c><c r="H1" s="2"/></row></sheetData>`},
		{"one cell", `<dimension ref="A1"/><sheetData><row><c t="str"><v>h</v></c></row><row r="9"/></sheetData>`,
			`<dimension ref="A1:D1"/><sheetData><row><c t="str"><v>h</v></c><c r="B1" t="inlineStr"><is><t xml:space="preserve">one&lt;&amp;</t></is></c></row><row r="9"/></sheetData>`},
	}
	cells := func(_ *Rows, row Row) ([]string, error) {
		return map[int][]string{1: {"one<&", "", ""}, 2: {"a_x000D_\a", "", " c"}}[row.Number], nil
	}
	for _, tt := range tests {
		p := parts(tt.sheet, "")
		raw := zipped(t, p)
		b, err := Open(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := b.Append(&out, "s", 1, 3, 1, cells); err != nil {
			t.Fatal(err)
		}
		z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		p["xl/worksheets/sheet1.xml"] = parts(tt.want, "")["xl/worksheets/sheet1.xml"]
		for name, want := range p {
			if text, err := fs.ReadFile(z, name); err != nil || string(text) != want {
				t.Errorf("%s, %s: %v\n%s\nwant\n%s", tt.name, name, err, text, want)
			}
		}
	}
}

// More texts than stay in memory are read from a file.
func TestManyTexts(t *testing.T) {
	line := strings.Repeat("x", 1000)
	var in strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&in, "<si><t>%d%s</t></si>", i, line)
	}
	list, err := readTexts(strings.NewReader(in.String()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = list.close() }()
	if list.file == nil || len(list.memory) >= textsInMemory {
		t.Fatalf("%d bytes are in memory", len(list.memory))
	}
	for _, i := range []int{0, 1, 16_000, 16_744, 16_745, 20_000, 39_999} {
		if text, err := list.at(i); err != nil || string(text) != fmt.Sprint(i)+line {
			t.Errorf("%d: %.20q, %v", i, text, err)
		}
	}
	if _, err := list.at(40_000); err == nil {
		t.Error("there is a text more")
	}
}

// Whatever a sheet holds, it is read or refused; and what is read is still there after cells were appended.
func FuzzSheet(f *testing.F) {
	f.Add(`<sheetData><row r="1" spans="1:2"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"/></row></sheetData>`, `<si><t>x</t></si>`)
	f.Add(`<dimension ref="A1:B2"/><sheetData><row><c t="inlineStr"><is><t>a&amp;</t></is></c></row><row r="3"/></sheetData>`, "")
	f.Fuzz(func(t *testing.T, sheet, texts string) {
		raw := zipped(t, parts(sheet, texts))
		before, err := read(raw)
		if err != nil {
			return
		}
		b, err := Open(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = b.Close() }()
		const column = 5
		var out bytes.Buffer
		if err := b.Append(&out, "s", column, 3, 1, func(*Rows, Row) ([]string, error) { return []string{"_x0041_", "", "c"}, nil }); err != nil {
			t.Fatalf("it is read as %q, and not written: %v", before, err)
		}
		after, err := read(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		var kept []string
		for _, cell := range after {
			if !strings.HasPrefix(cell, "F") || !strings.HasSuffix(cell, "=_x0041_") {
				kept = append(kept, cell)
			}
		}
		var want []string
		for _, cell := range before {
			if name, _, _ := strings.Cut(cell, "="); strings.TrimRight(name, "0123456789") < "F" && len(strings.TrimRight(name, "0123456789")) == 1 {
				want = append(want, cell)
			}
		}
		for _, cell := range want {
			if !strings.Contains("\x00"+strings.Join(kept, "\x00")+"\x00", "\x00"+cell+"\x00") {
				t.Fatalf("%q is gone, from %q to %q", cell, before, after)
			}
		}
	})
}
