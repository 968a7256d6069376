import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('newsletter', '0007_notices'),
    ]

    operations = [
        migrations.CreateModel(
            name='PackedBlock',
            fields=[
                ('block', models.PositiveIntegerField(primary_key=True, serialize=False)),
                ('stamp', models.CharField(max_length=64)),
                ('packed', models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name='Thumbnail',
            fields=[
                ('paper', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='thumbnail', serialize=False, to='newsletter.paper')),
                ('digest', models.CharField(max_length=64)),
                ('media_type', models.CharField(choices=[('image/png', 'PNG'), ('image/jpeg', 'JPEG'), ('image/webp', 'WebP')], max_length=10)),
                ('width', models.PositiveSmallIntegerField()),
                ('height', models.PositiveSmallIntegerField()),
                ('data', models.BinaryField()),
                ('stored_at', models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.AddIndex(
            model_name='paper',
            index=models.Index(fields=['updated_at'], include=('id',), name='paper_updated'),
        ),
        migrations.AddIndex(
            model_name='paper',
            index=models.Index(condition=models.Q(('hidden', True)), fields=['id'], name='paper_hidden'),
        ),
        migrations.AddIndex(
            model_name='paper',
            index=models.Index(fields=['-newest_listing', '-upvotes'], name='paper_newest'),
        ),
        migrations.AddConstraint(
            model_name='thumbnail',
            constraint=models.CheckConstraint(condition=models.Q(('media_type__in', ['image/png', 'image/jpeg', 'image/webp'])), name='thumbnail_format_known'),
        ),
        migrations.AddConstraint(
            model_name='thumbnail',
            constraint=models.CheckConstraint(condition=models.Q(('width__gte', 1), ('width__lte', 1600), ('height__gte', 1), ('height__lte', 1600)), name='thumbnail_of_a_sane_size'),
        ),
    ]
