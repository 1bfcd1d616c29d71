//! How much of media a model takes, and from where.

/// How much of media a model takes, and from where, where it takes any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent fact about a model"
)]
pub struct MediaRules {
    /// Whether `s3Location` is taken. Others refuse it: "This model doesn't support the s3Uri field."
    pub s3: bool,
    /// Whether images and documents count together: "too many images and documents: 19 + 5 > 20".
    pub counted_together: bool,
    /// Whether documents and videos may stand in one turn with tool results.
    pub documents_beside_results: bool,
    /// Whether a PDF may be larger than Converse's general limit for documents.
    pub large_pdf: bool,
    /// Whether a DOCX may be.
    pub large_docx: bool,
}

/// What Converse's reference says of every model.
pub(super) const GENERAL: MediaRules = MediaRules {
    s3: false,
    counted_together: false,
    documents_beside_results: true,
    large_pdf: false,
    large_docx: false,
};

pub(super) const NOVA: MediaRules = MediaRules {
    s3: true,
    large_pdf: true,
    large_docx: true,
    ..GENERAL
};

/// Claude up to 3.7.
pub(super) const CLAUDE_3: MediaRules = MediaRules {
    counted_together: true,
    documents_beside_results: false,
    ..GENERAL
};

/// Claude from 4 on.
pub(super) const CLAUDE: MediaRules = MediaRules {
    large_pdf: true,
    ..CLAUDE_3
};
