//! The models that make embeddings: what each of them takes through InvokeModel. One table, by foundation model; the
//! figures are those of AWS's model parameters pages.

/// What an embeddings model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddingModel {
    /// The form of its requests.
    pub form: EmbeddingForm,
    /// The most texts of one call.
    pub texts_per_call: usize,
    /// How many numbers its embeddings can have.
    pub dimensions: Dimensions,
}

/// The form of an embeddings model's own request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmbeddingForm {
    /// `{"inputText", "dimensions", "normalize"}`
    Titan,
    /// `{"inputText", "embeddingConfig": {"outputEmbeddingLength"}}`
    TitanMultimodal,
    /// `{"texts", "input_type", "truncate", "output_dimension"}`
    Cohere,
    /// `{"taskType", "singleEmbeddingParams": {"embeddingPurpose", "embeddingDimension", "text"}}`
    Nova,
}

/// The dimensions of Nova 2, which has the most.
const LARGEST: u64 = 3072;

/// How many numbers an embedding can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimensions {
    /// Always so many; nothing can be asked for.
    Fixed(u64),
    /// One of these.
    OneOf(&'static [u64]),
    /// Nobody knows; Bedrock decides.
    Unknown,
}

impl Dimensions {
    /// The most that there can be; of a model of which nobody knows, as many as the largest has.
    pub fn most(&self) -> u64 {
        match self {
            Self::Fixed(dimensions) => *dimensions,
            Self::OneOf(allowed) => allowed.iter().copied().max().unwrap_or(LARGEST),
            Self::Unknown => LARGEST,
        }
    }
}

/// Ids of foundation models by their beginning. The first row that fits counts: an id that has no row of its own gets
/// the newest rule of its kind.
const TABLE: &[(&str, EmbeddingModel)] = &[
    ("amazon.titan-embed-text-v1", TITAN_V1),
    ("amazon.titan-embed-g1-text", TITAN_V1),
    ("amazon.titan-embed-text-v2", TITAN_V2),
    ("amazon.titan-embed-image", TITAN_MULTIMODAL),
    ("amazon.titan-embed", newest(TITAN_V2)),
    ("amazon.nova-2-multimodal-embeddings-v1", NOVA_2),
    ("amazon.nova-2-multimodal-embeddings", newest(NOVA_2)),
    ("cohere.embed-english-v3", COHERE_V3),
    ("cohere.embed-multilingual-v3", COHERE_V3),
    ("cohere.embed-v4", COHERE_V4),
    ("cohere.embed", newest(COHERE_V4)),
];

const TITAN_V1: EmbeddingModel = EmbeddingModel {
    form: EmbeddingForm::Titan,
    texts_per_call: 1,
    dimensions: Dimensions::Fixed(1536),
};
const TITAN_V2: EmbeddingModel = EmbeddingModel {
    dimensions: Dimensions::OneOf(&[256, 512, 1024]),
    ..TITAN_V1
};
const TITAN_MULTIMODAL: EmbeddingModel = EmbeddingModel {
    form: EmbeddingForm::TitanMultimodal,
    texts_per_call: 1,
    dimensions: Dimensions::OneOf(&[256, 384, 1024]),
};
const NOVA_2: EmbeddingModel = EmbeddingModel {
    form: EmbeddingForm::Nova,
    texts_per_call: 1,
    dimensions: Dimensions::OneOf(&[256, 384, 1024, 3072]),
};
const COHERE_V3: EmbeddingModel = EmbeddingModel {
    form: EmbeddingForm::Cohere,
    texts_per_call: 96,
    dimensions: Dimensions::Fixed(1024),
};
const COHERE_V4: EmbeddingModel = EmbeddingModel {
    dimensions: Dimensions::OneOf(&[256, 512, 1024, 1536]),
    ..COHERE_V3
};

/// The rule for a later model of the same kind.
const fn newest(known: EmbeddingModel) -> EmbeddingModel {
    EmbeddingModel {
        dimensions: Dimensions::Unknown,
        ..known
    }
}

impl EmbeddingModel {
    /// What a foundation model takes, if it is known to make embeddings of texts.
    pub fn of(foundation_model: &str) -> Option<Self> {
        let row = TABLE
            .iter()
            .find(|(beginning, _)| foundation_model.starts_with(beginning));
        row.map(|(_, model)| *model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_model_has_its_row_and_a_later_one_the_newest() {
        for (id, form, texts, dimensions) in [
            (
                "amazon.titan-embed-text-v1",
                EmbeddingForm::Titan,
                1,
                Dimensions::Fixed(1536),
            ),
            (
                "amazon.titan-embed-g1-text-02",
                EmbeddingForm::Titan,
                1,
                Dimensions::Fixed(1536),
            ),
            (
                "amazon.titan-embed-text-v2:0",
                EmbeddingForm::Titan,
                1,
                Dimensions::OneOf(&[256, 512, 1024]),
            ),
            (
                "amazon.titan-embed-image-v1",
                EmbeddingForm::TitanMultimodal,
                1,
                Dimensions::OneOf(&[256, 384, 1024]),
            ),
            (
                "amazon.titan-embed-text-v9:0",
                EmbeddingForm::Titan,
                1,
                Dimensions::Unknown,
            ),
            (
                "cohere.embed-english-v3",
                EmbeddingForm::Cohere,
                96,
                Dimensions::Fixed(1024),
            ),
            (
                "cohere.embed-multilingual-v3:0:512",
                EmbeddingForm::Cohere,
                96,
                Dimensions::Fixed(1024),
            ),
            (
                "cohere.embed-v4:0",
                EmbeddingForm::Cohere,
                96,
                Dimensions::OneOf(&[256, 512, 1024, 1536]),
            ),
            (
                "cohere.embed-v5:0",
                EmbeddingForm::Cohere,
                96,
                Dimensions::Unknown,
            ),
            (
                "amazon.nova-2-multimodal-embeddings-v1:0",
                EmbeddingForm::Nova,
                1,
                Dimensions::OneOf(&[256, 384, 1024, 3072]),
            ),
        ] {
            let expected = EmbeddingModel {
                form,
                texts_per_call: texts,
                dimensions,
            };
            assert_eq!(EmbeddingModel::of(id), Some(expected), "{id}");
        }
    }

    #[test]
    fn chat_models_make_no_embeddings() {
        for id in [
            "amazon.nova-2-lite-v1:0",
            "amazon.titan-text-express-v1",
            "cohere.command-r-v1:0",
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "",
        ] {
            assert_eq!(EmbeddingModel::of(id), None, "{id}");
        }
    }
}
