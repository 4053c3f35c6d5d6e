package explain

// Footer is the annotation with the end of a command's help.
const Footer = "footer"
