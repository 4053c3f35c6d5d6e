#!/bin/sh
# Makes the files of files/ with LibreOffice Calc, from one table: what an operator's spreadsheet program writes.
# It installs Debian's package where it is missing, which takes root and about 500 MB.
set -eu
cd "$(dirname "$0")"
command -v soffice >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libreoffice-calc >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A name, the id, a number with a format of its own, a text with leading zeros, a date, and a note that needs quotes.
cat > "$work/chats.csv" <<'ROWS'
群名称,Chat_ID ,人数,编号,建群日期,备注
产品讨论群,chatfaabe59a460527f5fb72fbbdfe3f061e,1500,007,2024-03-01,"他说 ""好"", 就这样"
"研发;测试",chat00000000000000000000000000000001,12.5,0042,2023-12-31,"两
行"
运维|值班,chat00000000000000000000000000000002,0,000,2020-02-29,
数字编号,4555,-3,1,2024-01-01,a
ROWS

# convert EXTENSION FILTER FILE
convert() {
	soffice -env:UserInstallation="file://$work/profile" --headless --convert-to "$1:$2" \
		--infilter='CSV:44,34,76,1,1/2/2/2/3/1/4/2/5/5/6/2' --outdir "$work/out" "$work/chats.csv" >/dev/null 2>&1
	mv "$work/out/chats.$1" "files/$3"
}

# The numbers are: the separator, the quote, the encoding (76 UTF-8, 67 GBK, 85 GB18030, 65535 UTF-16), the first line.
text='Text - txt - csv (StarCalc)'
mkdir -p files
convert xlsx 'Calc MS Excel 2007 XML' calc.xlsx
convert csv "$text:44,34,76,1" calc-utf8.csv
convert csv "$text:59,34,76,1,,0,true" calc-semicolon-quoted.csv
convert csv "$text:59,34,67,1" calc-gbk-semicolon.csv
convert csv "$text:9,34,65535,1" calc-utf16-tab.txt
convert csv "$text:124,34,76,1" calc-bar.csv
convert ods calc8 calc.ods
convert xls 'MS Excel 97' calc.xls
sed -i 's/备注/备注😀/' "$work/chats.csv" # a character that GBK lacks
convert csv "$text:44,34,85,1" calc-gb18030.csv

# What the command makes of them, and what becomes of that in a spreadsheet program.
(cd .. && ${GO:-go} test -count=1 -run '^TestResaved$' . -update)
# resave FROM EXTENSION FILTER TO
resave() {
	soffice -env:UserInstallation="file://$work/profile" --headless --convert-to "$2:$3" \
		--infilter='CSV:44,34,76,1,1/2/2/2/3/2/4/2/5/2/6/2/7/2/8/2/9/2' --outdir "$work/again" "files/$1" >/dev/null 2>&1
	mv "$work/again/output.$2" "files/$4"
}
resave output.csv csv "$text:59,34,76,1,,0,true" resaved-semicolon.csv
resave output.csv csv "$text:9,34,67,1" resaved-gbk-tab.csv
resave output.csv csv "$text:44,34,65535,1" resaved-utf16.csv
soffice -env:UserInstallation="file://$work/profile" --headless --convert-to 'xlsx:Calc MS Excel 2007 XML' --outdir "$work/again" files/output.xlsx >/dev/null 2>&1
mv "$work/again/output.xlsx" files/resaved.xlsx
