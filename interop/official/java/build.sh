# shellcheck shell=bash disable=SC2154
copy_jars() {
  mvn -q -B -f "$SOURCE/pom.xml" -Ddingtalk.version="$OFFICIAL_JAVA" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$1"
}
once "official-java-$OFFICIAL_JAVA" copy_jars
jars="$TOOLS/official-java-$OFFICIAL_JAVA/*"
javac -nowarn -encoding UTF-8 -cp "$jars" -d "$BUILD/classes" "$SOURCE/Sample.java"
launcher "exec java -cp '$BUILD/classes:$jars' com.aliyun.sample.Sample \"\$@\""
